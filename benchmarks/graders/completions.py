"""Completions with recorded verdicts: which verdicts a change of the grader changes.

benchmarks/data/graded_completions.jsonl holds 300 completions of SmolLM2-135M-Instruct (see sample.py) and some written
by hand, each with leanrl's verdict at commit d1587ce in the strict and in the lenient mode. A change is meant where the
new verdict is right; `expected` says what is right for the written ones.
"""

from pathlib import Path
from typing import Any

from graders.judges import Case, grade, read_lines

from leanrl.types import GradeMode

RECORDED = Path(__file__).resolve().parents[1] / "data" / "graded_completions.jsonl"
MODES: tuple[GradeMode, ...] = ("strict", "lenient")


def compare_with_recorded() -> dict[str, Any]:
    """Return how many verdicts differ from the recorded ones, and which."""
    rows = read_lines(RECORDED)
    differences = [difference for mode in MODES for difference in _differences(rows, mode)]
    return {
        "completions": len(rows),
        "correct": {mode: sum(row[mode] == "correct" for row in rows) for mode in MODES},
        "other_verdicts": sum(it["is_correct"] != it["was_correct"] for it in differences),
        "other_reasons": len(differences),
        "differences": differences,
    }


def _differences(rows: list[dict[str, Any]], mode: GradeMode) -> list[dict[str, Any]]:
    cases = [
        Case(row["id"], row["gold"], row["completion"], row.get("expected", False), problem=row.get("problem"))
        for row in rows
    ]
    return [
        {
            "id": row["id"],
            "mode": mode,
            "gold": row["gold"],
            "end": row["completion"][-120:],
            "recorded": row[mode],
            "found": verdict.reason,
            "was_correct": row[mode] == "correct",
            "is_correct": verdict.correct,
        }
        for row, verdict in zip(rows, grade(cases, mode=mode), strict=True)
        if verdict.reason != row[mode]
    ]
