"""What env.json says of a machine, and the variables that keep libraries from calling home."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import leanrl.machine.environment as environment
from leanrl.machine.environment import (
    PACKAGES,
    describe_machine,
    gpu_names,
    host_memory_bytes,
    installed_version,
    quiet_libraries,
)
from leanrl.machine.version import __version__

DRIVER_FILE = """\
Model: \t\t NVIDIA A40
IRQ:   \t\t 120
GPU UUID: \t GPU-00000000-0000-0000-0000-000000000000
"""

TELEMETRY = ("HF_HUB_DISABLE_TELEMETRY", "VLLM_NO_USAGE_STATS", "VLLM_DO_NOT_TRACK", "DO_NOT_TRACK")


def test_names_of_the_gpus_come_from_the_driver(tmp_path):
    for number in range(2):
        folder = tmp_path / f"0000:0{number}:00.0"
        folder.mkdir()
        (folder / "information").write_text(DRIVER_FILE)
    assert gpu_names(tmp_path) == ["NVIDIA A40"] * 2
    assert gpu_names(tmp_path / "none") == []


def test_telemetry_is_off_unless_the_user_turned_it_on(monkeypatch):
    for name in TELEMETRY:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DO_NOT_TRACK", "0")
    quiet_libraries()
    assert [os.environ[name] for name in TELEMETRY] == ["1", "1", "1", "0"]


def test_the_hub_library_sees_that_telemetry_is_off():
    """In a process of its own: huggingface_hub reads the variable when it is imported."""
    code = (
        "from leanrl.machine.environment import quiet_libraries; quiet_libraries(); "
        "from huggingface_hub import constants; print(constants.HF_HUB_DISABLE_TELEMETRY)"
    )
    unset = {name: value for name, value in os.environ.items() if name not in TELEMETRY}
    done = subprocess.run([sys.executable, "-c", code], env=unset, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_the_description_names_versions_and_machine_and_no_secret(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_averysecrettoken")
    described = describe_machine()
    assert described["versions"]["torch"] == installed_version("torch")
    assert set(described["versions"]) <= {"leanrl", *PACKAGES}
    assert described["versions"]["leanrl"] == __version__
    assert described["num_cpus"] == os.cpu_count()
    assert "hf_averysecrettoken" not in json.dumps(described)


@pytest.mark.parametrize(("limit", "is_limited"), [("1073741824\n", True), ("max\n", False), (None, False)])
def test_memory_is_that_of_the_control_group_where_it_confines(monkeypatch, tmp_path, limit, is_limited):
    """1 GiB is less than any machine that runs these tests has."""
    file = tmp_path / "memory.max"
    if limit is not None:
        file.write_text(limit)
    monkeypatch.setattr(environment, "_MEMORY_LIMIT", file)
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert host_memory_bytes() == (2**30 if is_limited else total)


def test_a_package_that_is_not_there_has_no_version():
    assert installed_version("a-package-that-nobody-has-made") is None


def git(folder, *arguments):
    identity = ["-c", "user.name=A", "-c", "user.email=a@b"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def test_the_commit_says_when_the_checkout_has_changes(monkeypatch, tmp_path):
    """Changed files count; files that git does not know do not."""
    module = tmp_path / "leanrl" / "machine" / "environment.py"
    module.parent.mkdir(parents=True)
    module.write_text("")
    monkeypatch.setattr(environment, "__file__", str(module))
    assert environment.checkout_commit() is None
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    commit = environment.checkout_commit()
    assert len(commit) == 40
    (tmp_path / "notes.txt").write_text("")
    assert environment.checkout_commit() == commit
    module.write_text("changed")
    assert environment.checkout_commit() == f"{commit}+changes"


def test_env_is_made_without_torch():
    """A dry run and `leanrl doctor --json` describe the machine before anything heavy is loaded."""
    code = "import sys; from leanrl.machine.environment import describe_machine; "
    code += "describe_machine(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert done.stdout == "False\n"
