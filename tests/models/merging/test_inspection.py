"""What `--inspect` tells of a checkpoint, whole or broken."""

import json
import shutil
from pathlib import Path

import pytest

from leanrl.errors import ConfigError
from leanrl.models.merging.inspection import inspect_checkpoints
from leanrl.models.trained import find_adapter, find_checkpoint
from leanrl.storage.checkpoint_files import seal
from leanrl.storage.run_folder import append_jsonl
from tests.models.conftest import MakeRun, add_checkpoint


def test_a_checkpoint_says_method_base_rank_step_and_score(make_run: MakeRun) -> None:
    run = make_run(method="qlora")
    append_jsonl(run.metrics, {"step": 7, "rewards": {"accuracy": 0.5, "one_box": 0.25}})
    (found,) = inspect_checkpoints(run.checkpoint(7))
    assert found.damage == ()
    assert found.facts["method"] == "qlora"
    assert found.facts["base"].endswith("tiny-llama")
    assert found.facts["rank"] == "4, alpha 8.0"
    assert found.facts["targets"] == "down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj"
    assert found.facts["step"] == "7"
    assert found.facts["rewards at this step"] == "accuracy 0.500, one_box 0.250"
    assert found.facts["score"] == "greedy 25.0% before training, 75.0% after (8 held-out problems)"
    assert "state: complete" in found.text()


def test_every_checkpoint_of_a_run_is_told_of_the_unfinished_too(make_run: MakeRun) -> None:
    run = make_run()
    add_checkpoint(run, 9)
    (run.checkpoint(9) / "COMPLETE").unlink()
    add_checkpoint(run, 5)
    found = inspect_checkpoints(run.path)
    assert [one.facts["step"] for one in found] == ["5", "7", "9"]
    assert [one.facts["score"] == "not evaluated" for one in found] == [True, False, True]
    assert [bool(one.damage) for one in found] == [False, False, True]
    assert "state: broken: not written to its end: no COMPLETE" in found[2].text()


def test_weights_that_were_cut_short_or_are_gone_are_found(make_run: MakeRun) -> None:
    run = make_run()
    file = run.checkpoint(7) / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    (found,) = inspect_checkpoints(run.path)
    assert "adapter_model.safetensors has" in found.damage[0]
    file.unlink()
    (found,) = inspect_checkpoints(run.path)
    assert found.damage == ("adapter_model.safetensors is not there",)


def test_a_whole_model_with_a_shard_missing_is_broken(tmp_path: Path, tiny_model: Path) -> None:
    model = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    (found,) = inspect_checkpoints(model)
    assert (found.facts["method"], found.facts["model"], found.damage) == ("full", "llama", ())
    weight_map = {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}
    (model / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    (found,) = inspect_checkpoints(model)
    assert found.damage == ("model-00002-of-00002.safetensors is not there",)


def test_an_adapter_alone_says_what_it_knows(make_run: MakeRun, tmp_path: Path) -> None:
    adapter = Path(shutil.copytree(make_run().checkpoint(7), tmp_path / "adapter"))
    shutil.copytree(adapter, adapter / "ref")
    (found,) = inspect_checkpoints(adapter)
    assert found.facts["method"].startswith("lora or qlora")
    assert found.facts["default: base"].endswith("tiny-llama")
    assert "ref: rank" in found.facts


def test_a_folder_of_something_else_is_broken_and_none_at_all_is_refused(tmp_path: Path) -> None:
    (found,) = inspect_checkpoints(tmp_path)
    assert "neither an adapter" in found.damage[0]
    with pytest.raises(ConfigError, match="is not there"):
        inspect_checkpoints(tmp_path / "nothing")


def test_the_folder_of_all_checkpoints_is_taken_as_its_run(make_run: MakeRun) -> None:
    """Taken for a checkpoint, every checkpoint in it would be an adapter of its own, without the run's base."""
    run = make_run()
    add_checkpoint(run, 5)
    assert [one.facts["step"] for one in inspect_checkpoints(run.checkpoints)] == ["5", "7"]
    assert find_checkpoint(run.checkpoints).folder.name == "step-000007"


def test_a_file_is_told_from_a_folder_that_is_not_there(make_run: MakeRun) -> None:
    file = make_run().checkpoint(7) / "adapter_model.safetensors"
    for look in (inspect_checkpoints, find_checkpoint):
        with pytest.raises(ConfigError, match="is a file, not the folder of a run or a checkpoint"):
            look(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [('{"r": 4', "cannot be read"), ("[]", "holds a list, not a JSON object"), ('{"r": 4}', "names no peft_type")],
)
def test_an_adapters_config_that_was_cut_short_is_refused_and_told_of(make_run: MakeRun, text: str, said: str) -> None:
    run = make_run()
    (run.checkpoint(7) / "adapter_config.json").write_text(text)
    seal(run.checkpoint(7), step=7)
    (found,) = inspect_checkpoints(run.path)
    assert said in found.text().splitlines()[-1]
    with pytest.raises(ConfigError, match=said):
        find_adapter(run.path)
