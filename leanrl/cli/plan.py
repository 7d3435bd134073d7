"""`leanrl plan`."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from leanrl.cli.options import DEFAULT_PRESET, AsJson, Overrides, Preset

if TYPE_CHECKING:
    from leanrl.config.schema import RunConfig


def plan(
    preset: Preset = DEFAULT_PRESET,
    overrides: Overrides = None,
    gpu: Annotated[str | None, typer.Option(help="Plan for this card, such as a40 or rtx4090.")] = None,
    vram: Annotated[float | None, typer.Option(metavar="GIB", help="Plan for cards with this much memory.")] = None,
    num_gpus: Annotated[int | None, typer.Option(help="Plan for this many cards.")] = None,
    fit: Annotated[
        bool, typer.Option("--fit", help="Search the fastest settings that fit; print their -s flags.")
    ] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Run the real code of a step without a GPU and count its bytes; a minute.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the memory, time and cost of a run before it runs."""
    from leanrl.config.check import find_warnings
    from leanrl.config.load import load_config
    from leanrl.pipeline import fit as find_fit
    from leanrl.pipeline import plan as make_plan
    from leanrl.planner.fit import fit_text
    from leanrl.planner.plan import plan_table

    extra = [
        *([f"hardware.gpu={gpu}"] if gpu is not None else []),
        *([f"hardware.num_gpus={num_gpus}"] if num_gpus is not None else []),
        *([f"hardware.vram_gib={vram}"] if vram is not None else []),
    ]
    config = load_config(preset, [*(overrides or []), *extra]).config
    for warning in find_warnings(config):
        print(f"warning: {warning}", file=sys.stderr)
    if fit:
        found = find_fit(config)
        answer = {"fits": found.fits, "flags": found.flags, "missing_bytes": found.missing_bytes}
        print(json.dumps(answer | {"plan": found.plan.to_json()}, indent=2) if as_json else fit_text(found))
        return
    if exact:
        _print_with_simulation(config, as_json=as_json)
        return
    predicted = make_plan(config)
    print(json.dumps(predicted.to_json(), indent=2) if as_json else plan_table(predicted))


def _print_with_simulation(config: "RunConfig", *, as_json: bool) -> None:
    """Print the plan and the simulation; of a model that only transformers knows, the simulation alone."""
    from leanrl.environment import quiet_libraries
    from leanrl.errors import LeanRLError
    from leanrl.pipeline import plan as make_plan
    from leanrl.planner.fit import with_planned_micro_batch
    from leanrl.planner.plan import plan_table

    quiet_libraries()
    from leanrl.simulate.run import simulate_run, simulation_text, to_json

    try:
        predicted = make_plan(config)
    except LeanRLError as error:
        print(f"no plan is made: {error.message}", file=sys.stderr)
        predicted = None
    simulated = simulate_run(with_planned_micro_batch(config, predicted))
    if as_json:
        print(json.dumps((predicted.to_json() if predicted else {}) | {"exact": to_json(simulated)}, indent=2))
        return
    if predicted is not None:
        print(plan_table(predicted))
    print(simulation_text(simulated))
