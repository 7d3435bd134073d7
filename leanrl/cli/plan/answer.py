"""The answer of `leanrl plan`, and how it is printed."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leanrl.planner.prediction import Plan
    from leanrl.planner.search.fit import Fit

_MOST_COLUMNS = 120


@dataclass(frozen=True)
class Answer:
    """What is printed, as JSON or as a first screen with details behind it; its plan, and the search that found it."""

    value: dict[str, Any]
    screen: Sequence[str]
    details: Sequence[str]
    plan: "Plan | None"
    fit: "Fit | None" = None


def details_here(plan: "Plan") -> list[str]:
    """Return the details of a plan as wide as this terminal."""
    from leanrl.planner.text.details import plan_details

    return plan_details(plan, columns=min(shutil.get_terminal_size().columns, _MOST_COLUMNS))


def print_answer(answer: Answer, missing: Sequence[str], *, as_json: bool, with_details: bool) -> None:
    """Print the answer and what is missing on this machine to train: a line on the first screen, else all of it."""
    if as_json:
        print(json.dumps({**answer.value, "missing": list(missing)}, indent=2))
        return
    if with_details:
        behind = ["", *answer.details] if answer.details else []
        print("\n".join([*answer.screen, *behind, *([""] if missing else []), *missing_lines(missing)]))
        return
    print(
        "\n".join([*answer.screen, *_missing_in_short(missing), "  --details shows every phase and what was assumed."])
    )


def missing_lines(missing: Sequence[str]) -> list[str]:
    """Return everything that is missing, a line each."""
    return [f"missing here: {line}" for line in missing]


def _missing_in_short(missing: Sequence[str]) -> list[str]:
    """Return one line: the first thing that is missing, with its hint where it is the only one, and how many follow."""
    from leanrl.planner.text.screen import row

    if not missing:
        return []
    first, *others = missing
    if not others:
        return [row("missing here", first)]
    return [row("missing here", f"{first.partition(' (hint: ')[0].rstrip('.')}; and {len(others)} more (--details)")]
