"""Completions of a small model and some written by hand keep their recorded verdicts, unless another one is right."""

import json
from pathlib import Path

import pytest

from leanrl.types import GradeRequest

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "benchmarks" / "data" / "graded_completions.jsonl")
    .read_text(encoding="utf-8")
    .split("\n")
    if line
]


@pytest.mark.parametrize("mode", ["strict", "lenient"])
def test_recorded_verdicts(pool, mode):
    """`expected` is what a person found right; without it, the verdict is the recorded one."""
    verdicts = pool.grade([GradeRequest(row["completion"], row["gold"], mode) for row in ROWS])
    wrong = [
        (row["id"], row["gold"], row["completion"][-100:], verdict.reason)
        for row, verdict in zip(ROWS, verdicts, strict=True)
        if verdict.correct != row.get("expected", {}).get(mode, row[mode] == "correct")
    ]
    assert wrong == []


def test_every_kind_of_verdict_is_recorded():
    """300 sampled ones with and without a box, right and wrong, and those written by hand with what is right."""
    assert len([row for row in ROWS if "problem" in row and not row["id"].startswith("written/")]) == 300
    assert {row["strict"] for row in ROWS} >= {"correct", "wrong", "no_box"}
    assert all(row["expected"].keys() == {"strict", "lenient"} for row in ROWS if row["id"].startswith("written/"))
