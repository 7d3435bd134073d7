"""The shape of an adapter that a run goes on from is read; what contradicts it is refused."""

import json
from pathlib import Path

import pytest

from leanrl.config.load import load_config
from leanrl.errors import ConfigError


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    return write_adapter(tmp_path / "adapter")


def write_adapter(folder: Path, **changes: object) -> Path:
    folder.mkdir(parents=True)
    shape = {
        "r": 8,
        "lora_alpha": 24,
        "use_rslora": True,
        "target_modules": ["v_proj", "layers.0.self_attn.q_proj"],
        **changes,
    }
    (folder / "adapter_config.json").write_text(json.dumps(shape))
    return folder


def test_rank_alpha_and_targets_are_read_over_those_of_a_preset(adapter: Path) -> None:
    resolved = load_config("cpu-demo", [f"model.tuning.start_adapter={adapter}", "model.tuning.dropout=0.1"])
    tuning = resolved.config.model.tuning
    assert (tuning.rank, tuning.lora_alpha, tuning.rslora, tuning.targets) == (8, 24.0, True, ["q_proj", "v_proj"])
    assert tuning.dropout == 0.1
    assert tuning.start_adapter == str(adapter)
    assert resolved.origins["model.tuning.rank"] == f"adapter {adapter}"


def test_the_ratio_of_a_preset_gives_way_too(adapter: Path, tmp_path: Path) -> None:
    preset = tmp_path / "mine.yaml"
    preset.write_text("extends: cpu-demo\nmodel: {tuning: {alpha_ratio: 7.0}}\n")
    tuning = load_config(preset, [f"model.tuning.start_adapter={adapter}"]).config.model.tuning
    assert (tuning.alpha_ratio, tuning.lora_alpha) == (None, 24.0)


def test_a_run_means_its_newest_complete_checkpoint(tmp_path: Path) -> None:
    for step, rank in ((5, 2), (9, 4), (12, 16)):
        write_adapter(tmp_path / "run" / "checkpoints" / f"step-{step:06d}", r=rank)
    for step in (5, 9):
        (tmp_path / "run" / "checkpoints" / f"step-{step:06d}" / "COMPLETE").touch()
    tuning = load_config("cpu-demo", [f"model.tuning.start_adapter={tmp_path / 'run'}"]).config.model.tuning
    assert tuning.rank == 4
    assert tuning.start_adapter == str(tmp_path / "run" / "checkpoints" / "step-000009")


def test_what_is_asked_beside_it_has_to_agree(adapter: Path) -> None:
    asked = [f"model.tuning.start_adapter={adapter}", "model.tuning.rank=8", "model.tuning.alpha_ratio=3"]
    assert load_config("cpu-demo", asked).config.model.tuning.rank == 8
    with pytest.raises(ConfigError) as caught:
        load_config("cpu-demo", [*asked[:1], "model.tuning.rank=16", "model.tuning.alpha=32"])
    assert [problem.where for problem in caught.value.problems] == ["model.tuning.rank", "model.tuning.alpha"]
    assert "is 16 (--set), but the adapter in" in caught.value.message


def test_the_config_of_a_run_loads_again(adapter: Path, tmp_path: Path) -> None:
    config = load_config("cpu-demo", [f"model.tuning.start_adapter={adapter}"]).config
    (tmp_path / "config.json").write_text(json.dumps(config.model_dump(mode="json")))
    assert load_config(tmp_path / "config.json").config == config


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "holds no adapter"),
        ("{", "cannot be read"),
        ('{"r": 8, "lora_alpha": 8, "target_modules": ".*proj"}', "by a pattern"),
    ],
)
def test_what_is_no_adapter_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "adapter_config.json").write_text(content)
    with pytest.raises(ConfigError, match=message):
        load_config("cpu-demo", [f"model.tuning.start_adapter={tmp_path}"])


def test_full_parameters_go_on_from_no_adapter(adapter: Path) -> None:
    with pytest.raises(ConfigError, match="full trains all weights, and an adapter is named"):
        load_config("cpu-demo", [f"model.tuning.start_adapter={adapter}", "model.tuning.method=full"])
