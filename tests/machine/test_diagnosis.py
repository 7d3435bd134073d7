"""What `leanrl doctor` finds."""

import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

import leanrl.machine.diagnosis as diagnosis
from leanrl.errors import ConfigError
from leanrl.machine.diagnosis import constraint_set, diagnose
from leanrl.machine.installation import install_extras


def found(subject):
    (finding,) = [finding for finding in diagnose() if finding.subject == subject]
    return finding


def installed(monkeypatch, **versions):
    real = diagnosis.installed_version
    monkeypatch.setattr(diagnosis, "installed_version", lambda name: versions[name] if name in versions else real(name))


def test_every_dependency_of_leanrl_is_looked_at():
    subjects = {finding.subject for finding in diagnose()}
    assert {"torch", "transformers", "trl", "peft", "datasets", "math-verify", "device", "host memory"} <= subjects
    assert {"vllm", "bitsandbytes", "unsloth", "demo weights", "Hub login", "disk"} <= subjects
    assert "pytest" not in subjects  # an extra is no dependency


def test_a_version_in_range_is_ok():
    assert (found("trl").status, found("trl").hint) == ("ok", None)


def test_a_version_outside_the_range_names_range_and_command(monkeypatch):
    """trl 1.15.0 lies between the bounds and is the one release that is left out."""
    installed(monkeypatch, trl="1.15.0")
    finding = found("trl")
    assert finding.status == "warn"
    assert finding.text.startswith("1.15.0 is outside leanrl's range ")
    assert "!=1.15.0" in finding.text
    assert finding.hint.startswith("pip install 'trl")


def test_a_package_that_is_not_there_names_the_command(monkeypatch):
    installed(monkeypatch, peft=None)
    finding = found("peft")
    assert (finding.status, finding.text) == ("missing", "not installed")
    assert Requirement(shlex.split(finding.hint)[-1]).name == "peft"


def test_a_missing_extra_is_missing_and_not_wrong(monkeypatch):
    installed(monkeypatch, vllm=None, gguf="0.19.0")
    assert (found("vllm").status, found("vllm").hint) == ("missing", install_extras("vllm"))
    assert (found("gguf").status, found("gguf").hint) == ("ok", None)


@pytest.mark.parametrize(("token", "status"), [(None, "missing"), ("hf_averysecrettoken", "ok")])
def test_a_login_is_noticed_and_never_shown(monkeypatch, token, status):
    monkeypatch.setattr("huggingface_hub.get_token", lambda: token)
    assert found("Hub login").status == status
    assert "averysecret" not in str([finding.to_json() for finding in diagnose()])


def test_a_full_disk_is_warned_of(monkeypatch):
    usage = type("Usage", (), {"free": 2 * 2**30})
    monkeypatch.setattr(diagnosis.shutil, "disk_usage", lambda _: usage)
    assert (found("disk").status, found("disk").text) == ("warn", "2 GiB free here")


def test_a_machine_without_a_gpu_can_run_the_demo(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert (found("device").status, found("device").hint) == ("warn", "leanrl train -p cpu-demo")


def test_a_card_is_named_with_the_command_that_proves_it(monkeypatch):
    """A card of torch's is imitated: this machine may have none."""
    monkeypatch.chdir(Path(__file__).parents[2])
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda index: "NVIDIA H100")
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda index: SimpleNamespace(total_memory=80 * 2**30))
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation: True)
    assert found("device").hint == "make gpu-check"


def test_libraries_that_do_not_load_beside_a_card_are_named(monkeypatch, tmp_path):
    """A driver is imitated, and a bitsandbytes for another CUDA; torch is the one that is here, without CUDA."""
    package = tmp_path / "site-packages" / "bitsandbytes"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        "raise OSError('libcudart.so.12: cannot open shared object file: No such file or directory')"
    )
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    monkeypatch.setattr(diagnosis, "gpu_names", lambda: ["NVIDIA H100"])
    installed(monkeypatch, bitsandbytes="0.50.2", torch="2.13.0", vllm=None)
    torchs, other = found("torch's libraries"), found("bitsandbytes's libraries")
    assert torchs.text == "torch is built without CUDA"
    assert other.text == "libcudart.so.12 is not found, and a package here was built for CUDA 12"
    assert other.hint.endswith("pip install --force-reinstall -c versions.txt torch bitsandbytes")


def test_libraries_are_not_loaded_without_a_card(monkeypatch):
    monkeypatch.setattr(diagnosis, "gpu_names", lambda: [])
    monkeypatch.setattr(diagnosis.subprocess, "run", lambda *_, **__: pytest.fail("a process was started"))
    diagnose()


@pytest.mark.parametrize("name", ["default", "unsloth"])
def test_constraint_sets_are_the_files_in_the_repository(name):
    file = Path(diagnosis.__file__).parents[2] / "constraints" / f"{name}.txt"
    assert constraint_set(name) == file.read_text()
    pinned = [line for line in constraint_set(name).splitlines() if line and not line.startswith("#")]
    assert all(str(Requirement(line).specifier).startswith("==") for line in pinned)


def test_an_unknown_constraint_set_lists_the_known():
    with pytest.raises(ConfigError, match="'defualt'") as caught:
        constraint_set("defualt")
    assert caught.value.hint == "one of: default, unsloth"
