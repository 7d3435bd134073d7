"""A run that evaluates while it trains: its best checkpoint is merged and asked, and a killed run ends up the same."""

import json
import shutil
from pathlib import Path

import pytest

from leanrl.storage.evaluations import read_evaluations
from leanrl.storage.run_folder import RunFolder, read_json, read_jsonl
from tests.cli.run import leanrl, tiny_overrides

SETTINGS = (
    *("train.max_steps=4", "eval.greedy=false", "eval.every_steps=1", "eval.samples=2", "eval.temperature=0.8"),
    *("data.num_heldout=4", "checkpoints.every_steps=2", "checkpoints.keep_last=1", "checkpoints.keep_best=2"),
)
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def whole(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that was never stopped; read it, never write to it."""
    folder = tmp_path_factory.mktemp("evaluations") / "whole"
    done = leanrl("train", "-p", "cpu-demo", *tiny_overrides(tiny_model, *SETTINGS), "--run-dir", folder)
    assert done.code == 0, done.err
    assert done.err.count("evaluation at step ") == 5
    assert "Best checkpoint by the evaluations: step-000001 (--checkpoint best)." in done.err + done.out
    return RunFolder(folder)


def test_the_best_checkpoint_is_in_the_summary_merged_and_asked(whole: RunFolder, tmp_path: Path) -> None:
    """All scores of a random model are 0, so step 1 is the best so far and stays it; it was saved for that alone."""
    assert [one["is_best"] for one in read_evaluations(whole)] == [False, True, False, False, False]
    assert read_json(whole.summary)["best_checkpoint"] == "step-000001"
    merged = leanrl("merge", whole.path, "--checkpoint", "best", "--out", tmp_path / "merged")
    assert merged.code == 0, merged.err
    assert "step-000001" in (tmp_path / "merged" / "README.md").read_text() + merged.out + merged.err
    asked = leanrl("sample", whole.path, "1 + 1", "--checkpoint", "best")
    assert asked.code == 0, asked.err
    refused = leanrl("sample", whole.path, "1 + 1", "--checkpoint", "3")
    assert refused.code == 2
    assert "--checkpoint is '3'" in refused.err


def test_a_killed_and_resumed_run_has_each_evaluation_once(whole: RunFolder, tmp_path: Path) -> None:
    """It was killed while it wrote the evaluation of step 4; step 2 has the newest checkpoint."""
    run = RunFolder(tmp_path / "killed")
    shutil.copytree(whole.path, run.path, symlinks=True)
    shutil.rmtree(run.checkpoint(4))
    assert [path.name for path in run.complete_checkpoints()] == ["step-000001", "step-000002"]
    lines = run.evaluations.read_bytes().splitlines(keepends=True)
    run.evaluations.write_bytes(b"".join(lines[:4]) + lines[4][:50])
    done = leanrl("train", "--resume", run.path)
    assert done.code == 0, done.err
    assert [f"evaluation at step {step}:" in done.err for step in range(5)] == [False, False, False, True, True]
    records = [json.loads(line) for line in run.evaluations.read_text().splitlines()]
    assert [one["step"] for one in records] == [0, 1, 2, 3, 4]
    assert [one["problems"] for one in records] == [one["problems"] for one in read_evaluations(whole)]
    assert [line["eval"]["score"] for line in read_jsonl(run.metrics)] == [one["score"] for one in records[1:]]
