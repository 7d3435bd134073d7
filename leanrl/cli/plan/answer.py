"""What `leanrl plan` answers, and how it is printed."""

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leanrl.config.schema import RunConfig
    from leanrl.planner.past_runs.calibration import Calibration
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


def answer_to(
    config: "RunConfig", calibration: "Calibration | None", *, fit: bool, exact: bool, missing: Sequence[str]
) -> Answer:
    """Return the plan of a run or the settings that fit, with a simulation if `exact`.

    Without a model there is no plan, and what else is missing is said on stderr before the error.
    """
    from leanrl.cli.plan.exact import with_simulation
    from leanrl.errors import MissingError

    try:
        if fit:
            answer, config = fitted(config, calibration=calibration)
        else:
            answer = (planned_if_possible if exact else planned)(config, calibration=calibration)
    except MissingError:
        _say("\n".join(missing_lines(missing)))
        raise
    return with_simulation(answer, config, calibration=calibration) if exact else answer


def planned(config: "RunConfig", *, calibration: "Calibration | None" = None) -> Answer:
    """Return the plan of a run, with what another one has measured."""
    from leanrl.pipeline import plan as make_plan
    from leanrl.planner.text.screen import first_screen

    found = make_plan(config, say=_say, calibration=calibration)
    return Answer(found.to_json(), first_screen(found), details_here(found), found)


def planned_if_possible(config: "RunConfig", *, calibration: "Calibration | None" = None) -> Answer:
    """Return the plan, or nothing: a model that only transformers knows can be simulated without one."""
    from leanrl.errors import LeanRLError

    try:
        return planned(config, calibration=calibration)
    except LeanRLError as error:
        _say(f"no plan is made: {error.message}")
        return Answer({}, [], [], None)


def fitted(config: "RunConfig", *, calibration: "Calibration | None" = None) -> "tuple[Answer, RunConfig]":
    """Return the settings that fit with their plan, and the config that has them."""
    from leanrl.pipeline import fit
    from leanrl.planner.search.fixes import with_changes
    from leanrl.planner.text.fit_text import fit_screen

    found = fit(config, calibration=calibration)
    answer = Answer(found.to_json(), fit_screen(found), details_here(found.plan), found.plan, found)
    return answer, with_changes(config, found.changes)


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


def _say(text: str) -> None:
    print(text, file=sys.stderr)
