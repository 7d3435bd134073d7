"""A reward of the user's own that fails in the middle of a run: named, saved before, and resumed when corrected."""

import json

import pytest
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.errors import RewardError
from leanrl.storage.run_folder import RunFolder
from tests.cli.run import tiny_overrides

# The first call tries it before the model is loaded; a step has four completions.
PLUGIN = """
from leanrl.rewards.registry import reward

calls = []

@reward("{name}")
def mine(sample):
    calls.append(sample)
    if len(calls) > {num_calls}:
        return sample.nosuch
    return len(sample.text) > 3
"""


def _train(model, folder, name, num_calls):
    plugin = folder / "mine.py"
    plugin.write_text(PLUGIN.format(name=name, num_calls=num_calls))
    sizes = ("train.num_completions=2", "checkpoints.every_steps=5", "data.num_heldout=0", "eval.greedy=false")
    flags = tiny_overrides(model, *sizes, f"rewards.{name}=1.0")
    arguments = ["train", "-p", "cpu-demo", *flags, "--plugin", str(plugin), "--run-dir", str(folder / "run")]
    error = CliRunner().invoke(app, arguments).exception
    assert isinstance(error, RewardError), error
    assert error.exit_code == 4
    assert f'Reward "{name}" raised AttributeError' in error.message
    assert f"{plugin}:10, in mine" in error.message
    assert "for the completion " in error.message
    return error, RunFolder(folder / "run")


@pytest.mark.parametrize("num_calls", [1 + 4 + 2], ids=["in step 2"])
def test_what_was_trained_is_saved_and_the_runs_own_copy_named(tiny_model, tmp_path, num_calls):
    error, run = _train(tiny_model, tmp_path, "fails_later", num_calls)
    assert [path.name for path in run.complete_checkpoints()] == ["step-000001"]
    assert "step-000001 is saved." in error.message
    (copy,) = run.kept_plugins()
    assert str(copy) in str(error.hint)
    assert f"then `leanrl train --resume {run.path} --trust-plugins`" in str(error.hint)
    assert json.loads(run.summary.read_text())["status"] == "stopped"


def test_without_a_finished_step_the_run_starts_anew(tiny_model, tmp_path):
    error, run = _train(tiny_model, tmp_path, "fails_at_once", 1 + 2)
    assert run.complete_checkpoints() == []
    assert "No step is finished, so there is no checkpoint." in error.message
    assert "start the run anew" in str(error.hint)
    assert "--resume" not in str(error.hint)
