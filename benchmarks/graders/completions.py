"""Completions with recorded verdicts: which verdicts a change of the grader changes.

benchmarks/data/graded_completions.jsonl holds 300 completions of SmolLM2-135M-Instruct (see sample.py) and 61 written
by hand, each with leanrl's verdict at commit d1587ce in the strict and in the lenient mode. `expected` says what is
right where a person has looked: at every written one, and at each sampled one whose verdict a change has changed.
"""

from pathlib import Path
from typing import Any

from benchmarks.graders.judges import Case, grade, read_lines
from leanrl.types import GradeMode

RECORDED = Path(__file__).resolve().parents[1] / "data" / "graded_completions.jsonl"
MODES: tuple[GradeMode, ...] = ("strict", "lenient")


def compare_with_recorded() -> dict[str, Any]:
    """Return how many verdicts differ from the recorded ones, and which."""
    rows = read_lines(RECORDED)
    differences = [difference for mode in MODES for difference in _differences(rows, mode)]
    return {
        "completions": len(rows),
        **{f"recorded_correct_{mode}": sum(row[mode] == "correct" for row in rows) for mode in MODES},
        "other_verdicts": len(differences),
        "other_and_right": sum(it["is_correct"] == it["expected"] for it in differences),
        "differences": differences,
    }


def _differences(rows: list[dict[str, Any]], mode: GradeMode) -> list[dict[str, Any]]:
    """Return the completions that are correct by one of the two verdicts alone."""
    cases = [Case(row["id"], row["gold"], row["completion"], True, problem=row.get("problem")) for row in rows]
    return [
        {
            "id": row["id"],
            "mode": mode,
            "gold": row["gold"],
            "end": row["completion"][-120:],
            "recorded": row[mode],
            "found": verdict.reason,
            "is_correct": verdict.correct,
            "expected": row.get("expected", {}).get(mode),
        }
        for row, verdict in zip(rows, grade(cases, mode=mode), strict=True)
        if verdict.correct != (row[mode] == "correct")
    ]
