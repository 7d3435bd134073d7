"""Labelled cases: what each grader makes of them, by class, and every wrong verdict."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.graders.judges import Case, Judge, read_lines

_BOX_CHARACTERS = 80  # of a box in the results
FILES = ("grader_cases.jsonl", "grader_cases_2.jsonl")


def read_cases(path: Path) -> list[Case]:
    """Return the cases of a file, whose rows name the text and the class in one of two ways."""
    return [
        Case(
            id=row["id"],
            gold=row["gold"],
            completion=row.get("completion", row.get("prediction_text")),
            expected=row["expected"],
            group=row.get("class", row.get("category", "")),
            mode=row.get("mode", "strict"),
            problem=row.get("problem"),
        )
        for row in read_lines(path)
    ]


def compare_graders(cases: Sequence[Case], judges: Mapping[str, Judge], *, by_class: Collection[str]) -> dict[str, Any]:
    """Return a row for each grader, false verdicts by class, and the cases that some grader gets wrong.

    Args:
        by_class: the graders that the table of classes has.
    """
    verdicts = {name: judge(cases) for name, judge in judges.items()}
    return {
        "graders": [_row(name, cases, found) for name, found in verdicts.items()],
        "classes": _by_class(cases, {name: verdicts[name] for name in by_class}),
        "wrong": _wrong(cases, verdicts),
    }


def _row(name: str, cases: Sequence[Case], verdicts: Sequence[bool]) -> dict[str, Any]:
    positives, negatives = _false(cases, verdicts)
    return {
        "grader": name,
        "cases": len(cases),
        "accuracy": round(1 - (len(positives) + len(negatives)) / len(cases), 4),
        "false_positives": len(positives),
        "false_negatives": len(negatives),
    }


def _by_class(cases: Sequence[Case], verdicts: Mapping[str, Sequence[bool]]) -> list[dict[str, Any]]:
    """Return, for each class that some grader gets wrong, "false positives + false negatives" of each grader."""
    rows = []
    for group in sorted({case.group for case in cases}):
        counts = {}
        for name, found in verdicts.items():
            positives, negatives = _false(cases, found)
            counts[name] = f"{_count(positives, group)} + {_count(negatives, group)}"
        if any(count != "0 + 0" for count in counts.values()):
            rows.append({"class": group, "cases": _count(cases, group), **counts})
    return rows


def _wrong(cases: Sequence[Case], verdicts: Mapping[str, Sequence[bool]]) -> list[dict[str, Any]]:
    """Return each case that some grader gets wrong, with what is right and what each grader says."""
    rows = []
    for number, case in enumerate(cases):
        found = {name: judged[number] for name, judged in verdicts.items()}
        if set(found.values()) != {case.expected}:
            row = {"id": case.id, "class": case.group, "gold": case.gold, "box": _box(case.completion)}
            rows.append(row | {"expected": case.expected} | found)
    return rows


def _false(cases: Sequence[Case], verdicts: Sequence[bool]) -> tuple[list[Case], list[Case]]:
    """Return the cases found correct that are not, and those found wrong that are not."""
    judged = list(zip(cases, verdicts, strict=True))
    positives = [case for case, found in judged if found and not case.expected]
    return positives, [case for case, found in judged if case.expected and not found]


def _count(cases: Sequence[Case], group: str) -> int:
    return sum(case.group == group for case in cases)


def _box(text: str) -> str:
    """Return the first characters of a completion's last box; nothing without one."""
    start = text.rfind(r"\boxed")
    return "" if start < 0 else text[start : start + _BOX_CHARACTERS]
