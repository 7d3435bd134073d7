"""A run that goes back to an earlier checkpoint: its files, and a kill between any two of its writes."""

import json
import os

import pytest

from leanrl.errors import ConfigError
from leanrl.storage.checkpoint_files import COMPLETE
from leanrl.storage.rollbacks import (
    Rollback,
    decide_rollback,
    finish_rollback,
    learning_rate_factor,
    read_rollbacks,
)
from leanrl.storage.run_folder import RunFolder, read_jsonl, step_of, write_jsonl

BACK = Rollback(at_step=6, to_step=2, reasons=("it fell",), scores={"2": 0.5, "6": 0.25})


def make_run(path):
    """Return a run after six steps, with a checkpoint and a sample of completions of every second one."""
    path.mkdir()
    run = RunFolder(path)
    write_jsonl(run.metrics, [{"step": step, "reward": step / 10} for step in range(1, 7)])
    write_jsonl(run.evaluations, [{"step": step, "lower_bound": None} for step in (0, 2, 4, 6)])
    run.ledger.write_bytes(b"ledger of six steps")
    run.prompts.write_text('{"id": "a"}\n')
    run.completions.mkdir()
    for step in (2, 4, 6):
        (run.completions / f"step-{step:06d}.jsonl").write_text(f"{step}\n")
        checkpoint = run.checkpoint(step)
        checkpoint.mkdir(parents=True)
        (checkpoint / COMPLETE).write_text("{}")
        (checkpoint / "weights").write_text(str(step))
    return run


def tree(run):
    return {
        str(path.relative_to(run.path)): path.read_bytes() for path in sorted(run.path.rglob("*")) if path.is_file()
    }


def test_what_lies_behind_the_step_is_kept_apart(tmp_path):
    run = make_run(tmp_path / "run")
    before = tree(run)
    decide_rollback(run, BACK)
    finish_rollback(run)
    assert [line["step"] for line in read_jsonl(run.metrics)] == [1, 2]
    assert [line["step"] for line in read_jsonl(run.evaluations)] == [0, 2]
    assert [step_of(path) for path in run.complete_checkpoints()] == [2]
    first = RunFolder(run.abandoned / "01")
    assert [line["step"] for line in read_jsonl(first.metrics)] == [3, 4, 5, 6]
    assert [line["step"] for line in read_jsonl(first.evaluations)] == [4, 6]
    assert [step_of(path) for path in first.complete_checkpoints()] == [4, 6]
    assert first.ledger.read_bytes() == before["ledger.dat"]
    assert sorted(path.name for path in first.completions.iterdir()) == ["step-000004.jsonl", "step-000006.jsonl"]
    assert learning_rate_factor(run) == 0.5
    assert read_rollbacks(run) == [Rollback(**{**BACK.__dict__, "is_done": True})]


def test_a_second_time_has_a_folder_of_its_own_and_drops_the_checkpoints_of_the_first(tmp_path):
    run = make_run(tmp_path / "run")
    for _ in range(2):
        decide_rollback(run, BACK)
        finish_rollback(run)
    assert sorted(path.name for path in run.abandoned.iterdir()) == ["01", "02"]
    assert not (run.abandoned / "01" / "checkpoints").exists()
    assert [line["step"] for line in read_jsonl(run.abandoned / "01" / "metrics.jsonl")] == [3, 4, 5, 6]
    assert learning_rate_factor(run) == 0.25


def test_a_false_alarm_moves_nothing_and_keeps_the_learning_rate(tmp_path):
    run = make_run(tmp_path / "run")
    before = tree(run)
    decide_rollback(run, Rollback(at_step=6, to_step=6, reasons=(), scores={}))
    finish_rollback(run)
    assert {name: data for name, data in tree(run).items() if name != "rollbacks.json"} == before
    assert learning_rate_factor(run) == 1.0


def test_a_run_without_rollbacks_is_left_alone(tmp_path):
    run = make_run(tmp_path / "run")
    before = tree(run)
    finish_rollback(run)
    assert tree(run) == before
    assert learning_rate_factor(run) == 1.0


def test_a_kill_between_any_two_moves_is_made_good(tmp_path, monkeypatch):
    """Every write and move ends in os.replace: the n-th is the last that happens, for every n."""
    whole = make_run(tmp_path / "whole")
    decide_rollback(whole, BACK)
    finish_rollback(whole)
    replace = os.replace
    number = 0
    while True:
        run = make_run(tmp_path / f"killed-{number}")
        decide_rollback(run, BACK)
        left = iter([None] * number)

        def killing(source, target, left=left):
            if next(left, "killed") == "killed":
                raise KeyboardInterrupt
            replace(source, target)

        monkeypatch.setattr(os, "replace", killing)
        try:
            finish_rollback(run)
        except KeyboardInterrupt:
            monkeypatch.setattr(os, "replace", replace)
            finish_rollback(run)
            found = {name: data for name, data in tree(run).items() if not name.endswith(".tmp")}
            assert found == tree(whole), number
            number += 1
        else:
            break
    assert number > 8


@pytest.mark.parametrize("line", [b'{"step": 4, "rew', b"not json\n"])
def test_a_line_that_a_kill_cut_short_is_abandoned(tmp_path, line):
    run = make_run(tmp_path / "run")
    with run.metrics.open("ab") as file:
        file.write(line)
    decide_rollback(run, BACK)
    finish_rollback(run)
    assert [json.loads(one)["step"] for one in run.metrics.read_text().splitlines()] == [1, 2]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"rollbacks": [{"x": 1}]}', '{"rollbacks": 3}'])
def test_a_damaged_file_is_named_with_what_it_decides(tmp_path, text):
    run = make_run(tmp_path / "run")
    run.rollbacks.write_text(text)
    with pytest.raises(ConfigError, match="which learning rate") as caught:
        read_rollbacks(run)
    assert str(run.rollbacks) in caught.value.message
    assert f"`rm {run.rollbacks}`" in caught.value.hint
