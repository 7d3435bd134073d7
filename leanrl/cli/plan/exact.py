"""The simulation behind a plan: `leanrl plan --exact`."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leanrl.cli.plan.answer import Answer
    from leanrl.config.schema import RunConfig
    from leanrl.planner.exact import Judged
    from leanrl.planner.past_runs.calibration import Calibration
    from leanrl.planner.prediction import Plan


def with_simulation(answer: "Answer", config: "RunConfig", *, calibration: "Calibration | None" = None) -> "Answer":
    """Return the answer with the simulation behind it, by whose bytes it is judged; its progress is said on stderr."""
    from leanrl.cli.terminal.progress import listening
    from leanrl.machine.environment import quiet_libraries
    from leanrl.planner.automatic import with_chosen
    from leanrl.planner.exact import judged
    from leanrl.planner.measured import MeasuredStep

    quiet_libraries()
    with listening() as listener:
        listener.say(f"simulating a step of {config.model.id} ({config.model.tuning.method}): a minute or less")
        from leanrl.simulate.run import simulate_run, simulation_text, to_json

        simulated = simulate_run(with_chosen(config, answer.plan), say=listener.say)
    text, exact = simulation_text(simulated), to_json(simulated)
    if answer.plan is None:
        return replace(answer, value={"exact": exact}, screen=[text])
    overhead_bytes = None if calibration is None else calibration.overhead_bytes
    step = MeasuredStep({phase.name: phase.categories for phase in simulated.phases})
    found = judged(answer.plan, step, overhead_bytes=overhead_bytes)
    return _judged(answer, answer.plan, found, text=text, exact=exact)


def _judged(answer: "Answer", plan: "Plan", found: "Judged", *, text: str, exact: dict[str, Any]) -> "Answer":
    from leanrl.cli.plan.answer import details_here

    exact |= {"difference_bytes": found.difference_bytes, "verdict_by_formula": plan.verdict}
    return replace(
        answer,
        value=_value(answer, found) | {"exact": exact},
        screen=_screen(answer, plan, found),
        details=[*details_here(found.plan), "", text],
        plan=found.plan,
    )


def _value(answer: "Answer", found: "Judged") -> dict[str, Any]:
    if answer.fit is None:
        return found.plan.to_json()
    return replace(answer.fit, plan=found.plan).to_json()


def _screen(answer: "Answer", plan: "Plan", found: "Judged") -> "Sequence[str]":
    from leanrl.planner.text.fit_text import fit_screen
    from leanrl.planner.text.screen import first_screen, row

    notes = [row("simulation", found.line)]
    if found.plan.verdict == plan.verdict:
        fit = None if answer.fit is None else replace(answer.fit, plan=found.plan)
        return first_screen(found.plan, notes=notes) if fit is None else fit_screen(fit, notes=notes)
    settings = [] if answer.fit is None or not answer.fit.changes else [row("settings", answer.fit.flags)]
    return first_screen(found.plan, notes=notes, remedies=[*settings, *_remedies(found)])


def _remedies(found: "Judged") -> list[str]:
    """Return the search with as much less memory as the formula misses, where the simulation is what does not fit."""
    from leanrl.planner.text.screen import row

    plan = found.plan
    if plan.verdict == "fits" or plan.device == "cpu":
        return []
    tenths = (plan.worst.usable_bytes - found.difference_bytes) * 10 // 2**30
    name = "" if plan.card is None else f"--gpu {plan.card.name} "
    return [
        row("to make it fit", f"--fit {name}--vram {tenths / 10:g} in place of --exact leaves room for the difference")
    ]
