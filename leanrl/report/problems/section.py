"""The section of a run's page on its problems: which are solved, how often, and which teach nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from leanrl.report.figures.curves import Curve
from leanrl.report.problems.decided import decided_curve
from leanrl.report.problems.pass_rates import (
    EASY_ABOVE,
    HARD_BELOW,
    LEVELS,
    Level,
    ProblemRecord,
    by_level,
    problem_records,
)
from leanrl.report.quantities import count_text, share_text
from leanrl.report.rendering import fill
from leanrl.report.run_data import RunData

_ROWS_SHOWN = 20
_TITLE = "Problems by pass rate"
_LEAD = (
    "The pass rate of a problem is the fraction of its completions with a correct answer, over all groups that were "
    "sampled for it. A problem that is never or always solved gives the policy no contrast to learn from."
)
_RANGES: Mapping[Level, str] = {
    "never solved": "0 %",
    "hard": f"< {share_text(HARD_BELOW)}",
    "medium": f"{100 * HARD_BELOW:.0f}–{share_text(EASY_ABOVE)}",
    "easy": f"> {share_text(EASY_ABOVE)}",
    "always solved": "100 %",
}
_HEAD = ["problem", "groups", "correct completions", "pass rate", "first group", "last group", "last step", "tokens"]


def is_judged(data: RunData) -> bool:
    """Return whether a reward of the run judges answers; without one, no completion of the ledger is correct."""
    return not data.steps or any(record.get("verdicts") for record in data.steps)


def problem_curves(data: RunData) -> list[Curve]:
    """Return the curve of groups without contrast; nothing for a run without a ledger."""
    if data.ledger is None or not is_judged(data):
        return []
    curve = decided_curve(data.ledger)
    return [curve] if curve.series else []


def problems_section(data: RunData, figures: Markup) -> Markup:
    """Return the section; nothing for a run without a ledger. `figures` are the curves of `problem_curves`, drawn."""
    if data.ledger is None:
        return Markup()
    if not len(data.ledger):
        return fill("problems.html", title=_TITLE, lead="", empty="No group of completions is finished yet.")
    if not is_judged(data):
        words = "No reward of this run judges answers, so that pass rates are not known."
        return fill("problems.html", title=_TITLE, lead="", empty=words)
    records = problem_records(data.ledger)
    found = by_level(records)
    levels = [_level(number, level, found[level], data, len(records)) for number, level in enumerate(LEVELS, start=1)]
    return fill(
        "problems.html",
        title=_TITLE,
        lead=_LEAD,
        empty="",
        tiles=_tiles(data, records),
        figures=figures,
        levels=levels,
        head=_HEAD,
    )


def _tiles(data: RunData, records: Sequence[ProblemRecord]) -> list[tuple[str, str]]:
    num_rows = data.summary.get("num_train_rows")
    asked = count_text(len(records)) + (f" of {count_text(num_rows)}" if num_rows else "")
    num_completions = sum(record.num_completions for record in records)
    correct = sum(record.num_correct for record in records) / num_completions
    return [
        ("Problems asked", asked),
        ("Groups", count_text(sum(record.num_groups for record in records))),
        ("Completions", count_text(num_completions)),
        ("Correct completions", share_text(correct)),
    ]


def _level(
    number: int, level: Level, records: Sequence[ProblemRecord], data: RunData, num_problems: int
) -> dict[str, Any]:
    """Return what the page shows of the problems of a level; `number` chooses its colour."""
    return {
        "name": level,
        "colour": f"s{number}",
        "range": _RANGES[level],
        "count": len(records),
        "share": len(records) / num_problems,
        "rows": [_row(record, data.problems) for record in records[:_ROWS_SHOWN]],
        "more": max(0, len(records) - _ROWS_SHOWN),
    }


def _row(record: ProblemRecord, problems: Mapping[str, str]) -> dict[str, Any]:
    cells = [
        count_text(record.num_groups),
        f"{count_text(record.num_correct)} of {count_text(record.num_completions)}",
        share_text(record.pass_rate),
        share_text(record.first_rate),
        share_text(record.last_rate),
        count_text(record.last_step),
        count_text(record.mean_tokens),
    ]
    return {"problem": problems.get(record.prompt_id, record.prompt_id), "cells": cells}
