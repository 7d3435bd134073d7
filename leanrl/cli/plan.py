"""`leanrl plan`."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from leanrl.cli.colour import painted
from leanrl.cli.completion import complete_card
from leanrl.cli.options import DEFAULT_PRESET, AsJson, Overrides, Plugins, Preset

if TYPE_CHECKING:
    from leanrl.config.schema import RunConfig
    from leanrl.planner.prediction import Plan


def plan(
    preset: Preset = DEFAULT_PRESET,
    overrides: Overrides = None,
    gpu: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Plan for this card; `leanrl cards` lists them.", autocompletion=complete_card
        ),
    ] = None,
    vram: Annotated[float | None, typer.Option(metavar="GIB", help="Plan for cards with this much memory.")] = None,
    num_gpus: Annotated[int | None, typer.Option(metavar="N", help="Plan for this many cards.")] = None,
    fit: Annotated[
        bool, typer.Option("--fit", help="Search the fastest settings that fit; print their -s flags.")
    ] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Run the real code of a step without a GPU and count its bytes; a minute.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with code 3 where the run does not fit.")] = False,
    plugin: Plugins = None,
    as_json: AsJson = False,
) -> None:
    """Show the memory, time and cost of a run before it runs."""
    from leanrl.config.check import find_warnings
    from leanrl.config.load import load_config
    from leanrl.errors import MissingError
    from leanrl.pipeline import examine_here
    from leanrl.pipeline import plan as make_plan

    extra = [
        *([f"hardware.gpu={gpu}"] if gpu is not None else []),
        *([f"hardware.num_gpus={num_gpus}"] if num_gpus is not None else []),
        *([f"hardware.vram_gib={vram}"] if vram is not None else []),
    ]
    config = load_config(preset, [*(overrides or []), *extra]).config
    found = examine_here(config, plugins=plugin or [])
    missing = found.lines
    for warning in [*find_warnings(config), *found.warnings]:
        print(f"{painted('warning:', 'warning', stream=sys.stderr)} {warning}", file=sys.stderr)
    try:
        if fit:
            answer, config = _fitted(config)
        elif exact:
            answer = _planned_if_possible(config)
        else:
            answer = _planned(make_plan(config, say=_say))
    except MissingError:  # without a model there is no plan; what else is missing is said all the same
        print("\n".join(f"missing here: {line}" for line in missing), file=sys.stderr)
        raise
    if exact:
        answer = _with_simulation(answer, config)
    if as_json:
        print(json.dumps({**answer.value, "missing": missing}, indent=2))
    else:
        print("\n".join([answer.text, *(f"missing here: {line}" for line in missing)]))
    if strict:
        _require_fit(answer.plan)


def _require_fit(predicted: "Plan | None") -> None:
    from leanrl.errors import ConfigError, DoesNotFitError

    if predicted is None:
        raise ConfigError("--strict has no plan to judge by.", hint="leave --strict out")
    if predicted.verdict == "does_not_fit":
        raise typer.Exit(DoesNotFitError.exit_code)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


class _Answer(NamedTuple):
    """What is printed, as JSON and as text, and the plan that it holds."""

    value: dict[str, Any]
    text: str
    plan: "Plan | None"


def _planned(predicted: "Plan") -> _Answer:
    from leanrl.planner.plan import plan_table

    return _Answer(predicted.to_json(), plan_table(predicted), predicted)


def _planned_if_possible(config: "RunConfig") -> _Answer:
    """Return the plan, or nothing: a model that only transformers knows can be simulated without one."""
    from leanrl.errors import LeanRLError
    from leanrl.pipeline import plan as make_plan

    try:
        return _planned(make_plan(config, say=_say))
    except LeanRLError as error:
        print(f"no plan is made: {error.message}", file=sys.stderr)
        return _Answer({}, "", None)


def _fitted(config: "RunConfig") -> "tuple[_Answer, RunConfig]":
    """Return the settings that fit with their plan, and the config that has them."""
    from leanrl.pipeline import fit
    from leanrl.planner.fit import fit_text
    from leanrl.planner.fixes import with_changes

    found = fit(config)
    value = {"fits": found.fits, "flags": found.flags, "missing_bytes": found.missing_bytes}
    answer = _Answer(value | {"plan": found.plan.to_json()}, fit_text(found), found.plan)
    return answer, with_changes(config, found.changes)


def _with_simulation(answer: _Answer, config: "RunConfig") -> _Answer:
    """Return the answer with the simulation behind it; what it is doing is said on stderr."""
    from leanrl.cli.progress import listening
    from leanrl.environment import quiet_libraries
    from leanrl.planner.fit import with_planned_micro_batch

    quiet_libraries()
    with listening() as listener:
        listener.say(f"simulating a step of {config.model.id} ({config.model.tuning.method}): a minute or less")
        from leanrl.simulate.run import simulate_run, simulation_text, to_json

        simulated = simulate_run(with_planned_micro_batch(config, answer.plan), say=listener.say)
    value = answer.value | {"exact": to_json(simulated)}
    lines = [*([answer.text] if answer.text else []), simulation_text(simulated)]
    return answer._replace(value=value, text="\n".join(lines))
