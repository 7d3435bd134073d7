"""`leanrl plan`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leanrl.cli.colour import painted
from leanrl.cli.completion import complete_card, complete_preset
from leanrl.cli.options import DEFAULT_PRESET, AsJson, Overrides, Plugins

if TYPE_CHECKING:
    from leanrl.planner.prediction import Plan


def plan(
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            "-p",
            metavar="NAME|FILE",
            help=f"Preset or YAML file [{DEFAULT_PRESET}; with --from the run's own].",
            autocompletion=complete_preset,
        ),
    ] = None,
    overrides: Overrides = None,
    from_run: Annotated[
        Path | None,
        typer.Option("--from", metavar="RUN", help="Plan with the lengths, speeds and memory that a run measured."),
    ] = None,
    gpu: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Plan for this card; `leanrl cards` lists them.", autocompletion=complete_card
        ),
    ] = None,
    vram: Annotated[float | None, typer.Option(metavar="GIB", help="Plan for cards with this much memory.")] = None,
    num_gpus: Annotated[int | None, typer.Option(metavar="N", help="Plan for this many cards.")] = None,
    lengths: Annotated[
        str | None,
        typer.Option(
            metavar="LENGTHS", help="Plan time for completions of mean=600,cv=0.6,cut=0.1, or of run:RUN, a run's own."
        ),
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Draw 32 completions here first, and plan time for their lengths.")
    ] = False,
    fit: Annotated[
        bool, typer.Option("--fit", help="Search the fastest settings that fit; print their -s flags.")
    ] = False,
    largest: Annotated[
        bool,
        typer.Option(
            "--largest", help="The largest model and the longest completions that fit; without a card, of ten."
        ),
    ] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Run the real code of a step without a GPU and count its bytes; a minute.")
    ] = False,
    details: Annotated[
        bool, typer.Option("--details", help="Show every phase, its parts, host memory and what was assumed.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with code 3 where the run does not fit.")] = False,
    plugin: Plugins = None,
    as_json: AsJson = False,
) -> None:
    """Show the memory, time and cost of a run before it runs."""
    if largest:
        from leanrl.errors import ConfigError

        if fit or exact or details or strict or measure or lengths is not None or from_run is not None:
            raise ConfigError(
                "--largest makes tables of bytes alone: --from, --fit, --exact, --details, --strict, --lengths and "
                "--measure do nothing.",
                hint="leave them out, and add them to the command of a row",
            )
        from leanrl.cli.largest import print_largest

        print_largest(preset, overrides or [], gpu=gpu, vram=vram, num_gpus=num_gpus, as_json=as_json)
        return
    from leanrl.cli.plan_answer import fitted, missing_lines, planned, planned_if_possible, print_answer
    from leanrl.cli.plan_exact import with_simulation
    from leanrl.cli.plan_from import card_of, preset_of, with_what_was_measured
    from leanrl.cli.plan_lengths import lengths_given, measured_lengths
    from leanrl.config.check import find_warnings
    from leanrl.config.load import load_config
    from leanrl.errors import MissingError
    from leanrl.pipeline import examine_here
    from leanrl.planner.card_names import size_note

    extra = [
        *([f"hardware.gpu={gpu}"] if gpu is not None else []),
        *([f"hardware.num_gpus={num_gpus}"] if num_gpus is not None else []),
        *([f"hardware.vram_gib={vram}"] if vram is not None else []),
    ]
    given = [*(overrides or []), *extra, *lengths_given(lengths)]
    if from_run is not None:
        preset, own = preset or preset_of(from_run), [] if preset or gpu or vram else card_of(from_run)
        given = [*own, *given]
    config = load_config(preset or DEFAULT_PRESET, given).config
    if measure:
        given = [*given, *measured_lengths(config)]
        config = load_config(preset or DEFAULT_PRESET, given).config
    calibration = None
    if from_run is not None:
        config, calibration = with_what_was_measured(config, from_run, typed=given)
    found = examine_here(config, plugins=plugin or [])
    for warning in [*find_warnings(config), *found.warnings]:
        print(f"{painted('warning:', 'warning', stream=sys.stderr)} {warning}", file=sys.stderr)
    note = size_note(config.hardware.gpu)
    if note is not None:
        print(note, file=sys.stderr)
    try:
        if fit:
            answer, config = fitted(config, calibration=calibration)
        else:
            make = planned_if_possible if exact else planned
            answer = make(config, calibration=calibration)
    except MissingError:  # without a model there is no plan; what else is missing is said all the same
        print("\n".join(missing_lines(found.lines)), file=sys.stderr)
        raise
    if exact:
        answer = with_simulation(answer, config)
    print_answer(answer, found.lines, as_json=as_json, with_details=details)
    if strict:
        _require_fit(answer.plan)


def _require_fit(predicted: "Plan | None") -> None:
    from leanrl.errors import ConfigError, DoesNotFitError

    if predicted is None:
        raise ConfigError("--strict has no plan to judge by.", hint="leave --strict out")
    if predicted.verdict == "does_not_fit":
        raise typer.Exit(DoesNotFitError.exit_code)
