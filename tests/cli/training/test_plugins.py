"""Plug-ins through the command line: those of leanrl, one of a user's file, and what is typed wrong."""

import json
from pathlib import Path

import pytest

from leanrl.storage.checkpoint_files import ALGORITHM_STATE
from leanrl.storage.run_folder import RunFolder, read_jsonl
from tests.cli.run import leanrl, tiny_overrides

EXAMPLE = Path(__file__).parents[3] / "examples" / "answer_tokens.py"
NAN = """
from leanrl.seams.registry import plugin


@plugin("advantage", "broken")
def broken(rewards_P_G, lengths_P_G):
    return rewards_P_G * float("nan")
"""
COUNTED = """
from leanrl.seams.registry import plugin


@plugin("after_step", "counted")
class Counted:
    def __init__(self, *, change: float) -> None:
        self.count, self.change = 0, change

    def __call__(self, metrics):
        self.count += 1
        return {"algorithm.entropy_coef": self.count * self.change}

    def state_dict(self):
        return {"count": self.count}

    def load_state_dict(self, state):
        self.count = state["count"]
"""


def _train(model, folder, *settings, plugin=None):
    flags = [] if plugin is None else ["--plugin", plugin]
    return leanrl("train", "-p", "cpu-demo", *tiny_overrides(model, *settings), *flags, "--run-dir", folder / "run")


def test_an_algorithm_of_a_users_own_trains(tiny_model, tmp_path):
    """Tokens before the closing tag weigh nothing; a tiny model writes none, so that every step teaches nothing."""
    credit = ("algorithm.credit_tokens.name=answer_tokens", "algorithm.credit_tokens.closing_ids=[7]")
    done = _train(tiny_model, tmp_path, *credit, "rewards={one_box: 1.0}", plugin=EXAMPLE)
    assert done.code == 0, done.err
    run = RunFolder(tmp_path / "run")
    assert [line["step"] for line in read_jsonl(run.metrics)] == [1, 2]
    assert json.loads(run.config.read_text())["algorithm"]["credit_tokens"]["closing_ids"] == [7]
    assert [file.name for file in run.kept_plugins()] == ["00-answer_tokens.py"]


def test_history_of_prompts_reaches_a_reward_and_the_choice_of_prompts(tiny_model, tmp_path):
    settings = (
        *("rewards={hapo: 1.0}", "algorithm.choose_prompts.name=greso", "algorithm.keep_rows.name=signal"),
        *("algorithm.refill.name=until_full", "algorithm.refill.max_rounds=1"),
    )
    done = _train(tiny_model, tmp_path, *settings)
    assert done.code == 0, done.err
    lines = list(read_jsonl(RunFolder(tmp_path / "run").metrics))
    assert [line["step"] for line in lines] == [1, 2]
    assert "kept no row in step 1" in done.err  # a random model solves nothing


def test_everything_that_is_typed_wrong_is_said_at_once(tiny_model, tmp_path):
    settings = ["algorithm.advantage.name=max_rll", "algorithm.keep_rows.name=pods", "algorithm.keep_rows.row=2"]
    done = _train(tiny_model, tmp_path, *settings)
    assert done.code == 2
    for part in ("Did you mean `max_rl`?", "algorithm.keep_rows.row:", "algorithm.keep_rows.rows:"):
        assert part in done.err
    assert not (tmp_path / "run").exists()


def test_a_plugin_that_returns_nan_is_named_with_its_line(tiny_model, tmp_path):
    file = tmp_path / "broken.py"
    file.write_text(NAN)
    done = _train(tiny_model, tmp_path, "algorithm.advantage.name=broken", "rewards={one_box: 1.0}", plugin=file)
    assert done.code == 4
    assert "algorithm.advantage returned an advantage that is not finite" in done.err
    assert f"{file}:5" in done.err


@pytest.mark.long
def test_a_run_resumes_with_its_own_copy_of_a_file_of_plug_ins(tiny_model, tmp_path):
    """The user's file has another content by then; options, state and what the plug-in has set go on."""
    file = tmp_path / "mine.py"
    file.write_text(COUNTED)
    asked = ("algorithm.after_step.name=counted", "algorithm.after_step.change=0.5", "train.max_steps=1")
    done = _train(tiny_model, tmp_path, *asked, plugin=file)
    assert done.code == 0, done.err
    run = RunFolder(tmp_path / "run")
    assert (run.path / "plugins" / "00-mine.py").read_text() == COUNTED

    file.write_text("raise RuntimeError('the file that the run was started with')")
    config = json.loads(run.config.read_text())
    config["train"]["max_steps"] = 2
    run.config.write_text(json.dumps(config))
    done = leanrl("train", "--resume", run.path)
    assert done.code == 0, done.err
    states = [json.loads((checkpoint / ALGORITHM_STATE).read_text()) for checkpoint in run.complete_checkpoints()]
    assert [state["plugins"]["after_step"] for state in states] == [{"count": 1}, {"count": 2}]
    assert [state["settings"]["algorithm.entropy_coef"] for state in states] == [0.5, 1.0]
