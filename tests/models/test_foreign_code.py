"""Python files that come with a model: they run with `model.trust_remote_code` alone, and that is said."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.config.checks.check import find_warnings
from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError
from leanrl.models.load import causal_config, load_policy, load_tokenizer, only_local
from leanrl.models.locate import locate_model
from tests.cli.run import tiny_overrides

CODE = """
from pathlib import Path
Path({marker!r}).write_text("ran")
from transformers import LlamaConfig, LlamaForCausalLM

class MysteryConfig(LlamaConfig):
    model_type = "mystery"

class MysteryModel(LlamaForCausalLM):
    config_class = MysteryConfig
"""


@pytest.fixture
def mystery(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A model's folder whose config names classes in its own Python file, and the marker that the file leaves."""
    from transformers import dynamic_module_utils

    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    folder, marker = Path(shutil.copytree(tiny_model, tmp_path / "mystery")), tmp_path / "marker"
    (folder / "mystery.py").write_text(CODE.format(marker=str(marker)))
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "model_type": "mystery",
        "architectures": ["MysteryModel"],
        "auto_map": {"AutoConfig": "mystery.MysteryConfig", "AutoModelForCausalLM": "mystery.MysteryModel"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder, marker


def _model(folder: Path, **keys: object) -> RunConfig:
    fp32 = {"dtype": "float32", "compute_dtype": "float32"}
    return RunConfig.model_validate({"model": {"id": str(folder), **fp32, **keys}})


def test_it_is_off_and_every_load_says_so(mystery: tuple[Path, Path]) -> None:
    folder, marker = mystery
    located = locate_model(_model(folder).model)
    assert only_local(located)["trust_remote_code"] is False
    for load in (causal_config, lambda found: load_policy(_model(folder).model, found, device="cpu")):
        with pytest.raises(ConfigError, match="is no model that transformers knows") as caught:
            load(located)
        assert f"read the Python files of {folder}; `-s model.trust_remote_code=true`" in str(caught.value.hint)
    assert not marker.exists()


def test_train_refuses_it_by_name_before_weights_are_read(mystery: tuple[Path, Path], tmp_path: Path) -> None:
    folder, marker = mystery
    arguments = ["train", "-p", "cpu-demo", *tiny_overrides(folder), "--run-dir", str(tmp_path / "run")]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, ConfigError)
    assert "-s model.trust_remote_code=true" in str(result.exception)
    assert not marker.exists()
    assert not (tmp_path / "run").exists()


def test_with_it_the_models_own_class_is_trained(mystery: tuple[Path, Path]) -> None:
    folder, marker = mystery
    model = _model(folder, trust_remote_code=True).model
    located = locate_model(model)
    policy = load_policy(model, located, device="cpu")
    assert type(policy).__name__ == "MysteryModel"
    assert marker.read_text() == "ran"
    assert load_tokenizer(model, located).eos_token is not None
    assert torch.isfinite(policy(torch.tensor([[1, 2, 3]])).logits).all()


def test_it_is_said_wherever_a_config_is_shown(tmp_path: Path) -> None:
    sentence = "model.trust_remote_code is true: Python files that come with you/yours run on this machine"
    config = RunConfig.model_validate({"model": {"id": "you/yours", "trust_remote_code": True}})
    assert any(sentence in warning for warning in find_warnings(config))
    flags = ["-s", "model.id=you/yours", "-s", "model.trust_remote_code=true"]
    shown = CliRunner().invoke(app, ["train", "-p", "cpu-demo", *flags, "--dry-run"]).stdout
    assert "model.trust_remote_code = true  [--set]" in shown
    assert sentence in shown


def test_another_model_is_not_trusted_for_the_first(tmp_path: Path) -> None:
    """The key falls with the model that it was set for."""
    preset = tmp_path / "mine.yaml"
    preset.write_text("extends: cpu-demo\nmodel: {id: you/yours, trust_remote_code: true}\n")
    arguments = ["train", "-p", str(preset), "-s", "model.id=me/mine", "--dry-run", "--json"]
    answer = json.loads(CliRunner().invoke(app, arguments).stdout)
    assert answer["config"]["model"]["trust_remote_code"] is False
