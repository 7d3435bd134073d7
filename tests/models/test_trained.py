"""Which adapter a source means, and which sources hold none."""

import json
import shutil
from pathlib import Path

import pytest

from leanrl.errors import ConfigError
from leanrl.models.trained import find_adapter, find_checkpoint
from leanrl.storage.checkpoint_files import seal
from leanrl.storage.run_folder import write_json
from tests.models.conftest import MakeRun, add_checkpoint


def test_a_run_means_its_newest_complete_checkpoint(make_run: MakeRun) -> None:
    run = make_run()
    add_checkpoint(run, 5)
    add_checkpoint(run, 9)
    (run.checkpoint(9) / "COMPLETE").unlink()
    found = find_adapter(run.path)
    assert (found.folder, found.step) == (run.checkpoint(7), 7)
    assert found.config is not None
    assert found.config.name == "tiny-lora"
    assert (found.lora.r, found.lora.lora_alpha) == (4, 8.0)


def test_a_checkpoint_knows_the_run_around_it(make_run: MakeRun) -> None:
    run = make_run()
    add_checkpoint(run, 5)
    found = find_adapter(run.checkpoint(5))
    assert found.step == 5
    assert found.run is not None
    assert found.run.path == run.path.resolve()


def test_an_adapter_alone_has_no_run(make_run: MakeRun, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(make_run().checkpoint(7), tmp_path / "adapter"))
    found = find_adapter(folder)
    assert (found.run, found.config, found.step) == (None, None, None)


def test_a_checkpoint_that_a_kill_cut_short_is_refused(make_run: MakeRun) -> None:
    run = make_run()
    (run.checkpoint(7) / "COMPLETE").unlink()
    with pytest.raises(ConfigError, match="not written to its end"):
        find_adapter(run.checkpoint(7))
    with pytest.raises(ConfigError, match="no complete checkpoint"):
        find_adapter(run.path)


def test_a_run_whose_checkpoints_were_taken_away_is_no_model(make_run: MakeRun) -> None:
    run = make_run()
    shutil.rmtree(run.checkpoints)
    write_json(run.format, {"format": 1, "leanrl": "0"})
    with pytest.raises(ConfigError, match="no complete checkpoint"):
        find_checkpoint(run.path)


def test_a_full_parameter_checkpoint_has_no_adapter(make_run: MakeRun, tiny_model: Path) -> None:
    run = make_run()
    shutil.rmtree(run.checkpoint(7))
    shutil.copytree(tiny_model, run.checkpoint(7))
    (run.checkpoint(7) / "COMPLETE").touch()
    assert find_checkpoint(run.path).is_whole_model
    with pytest.raises(ConfigError, match="holds a whole model") as caught:
        find_adapter(run.path)
    assert caught.value.hint == f"use it as it is, with -s model.id={run.checkpoint(7)}"


def test_a_folder_without_an_adapter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"adapter_config\.json and adapter_model\.safetensors are not there"):
        find_adapter(tmp_path)
    with pytest.raises(ConfigError, match="is not there"):
        find_adapter(tmp_path / "nothing")


@pytest.mark.parametrize(
    "extra", [{"use_dora": True}, {"bias": "all"}, {"modules_to_save": ["lm_head"]}], ids=["dora", "bias", "head"]
)
def test_more_than_plain_lora_is_refused_by_name(make_run: MakeRun, extra: dict[str, object]) -> None:
    run = make_run()
    file = run.checkpoint(7) / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | extra))
    seal(run.checkpoint(7), step=7)
    with pytest.raises(ConfigError, match=next(iter(extra))):
        find_adapter(run.path)


def test_one_of_several_adapters_is_picked_by_name(make_run: MakeRun, tmp_path: Path) -> None:
    """PEFT keeps `default` in the checkpoint itself, and every other in a folder of its own."""
    checkpoint = make_run().checkpoint(7)
    shutil.copytree(checkpoint, tmp_path / "several" / "draft")
    shutil.copytree(checkpoint, tmp_path / "several" / "final")
    several = tmp_path / "several"
    assert find_adapter(several, name="final").folder == several / "final"
    with pytest.raises(ConfigError, match="holds several adapters: draft, final") as caught:
        find_adapter(several)
    assert caught.value.hint == "--adapter draft"
    with pytest.raises(ConfigError, match=r"--adapter is best, and .* holds draft, final"):
        find_adapter(several, name="best")
    shutil.copytree(checkpoint, checkpoint / "ref")
    assert find_adapter(checkpoint).folder == checkpoint
    assert find_adapter(checkpoint, name="ref").folder == checkpoint / "ref"
