"""How `leanrl plan` finds its answer: a plan, the settings that fit, or a simulation."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from leanrl.cli.plan.answer import Answer, details_here, missing_lines

if TYPE_CHECKING:
    from leanrl.config.schema import RunConfig
    from leanrl.planner.past_runs.calibration import Calibration


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
    from leanrl.planner.text.screen import first_screen
    from leanrl.planning import plan as make_plan

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
    from leanrl.planner.search.fixes import with_changes
    from leanrl.planner.text.fit_text import fit_screen
    from leanrl.planning import fit

    found = fit(config, calibration=calibration)
    answer = Answer(found.to_json(), fit_screen(found), details_here(found.plan), found.plan, found)
    return answer, with_changes(config, found.changes)


def _say(text: str) -> None:
    print(text, file=sys.stderr)
