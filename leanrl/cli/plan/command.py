"""`leanrl plan`."""

from pathlib import Path
from typing import Annotated

import typer

from leanrl.cli.terminal.completion import complete_card, complete_preset
from leanrl.cli.terminal.options import DEFAULT_PRESET, AsJson, Overrides, Plugins

_PROTOCOL = "robust"


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
    vram: Annotated[str | None, typer.Option(metavar="GIB", help="Plan for cards with this much memory.")] = None,
    num_gpus: Annotated[int | None, typer.Option(metavar="N", help="Plan for this many cards.")] = None,
    lengths: Annotated[
        str | None,
        typer.Option(
            metavar="LENGTHS", help="Plan time for completions of mean=600,cv=0.6,cut=0.1, or of run:RUN, a run's own."
        ),
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Sample 32 completions here first, and plan time for their lengths.")
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
    evaluation: Annotated[
        str | None,
        typer.Option("--eval", metavar="A,B", help="Plan an evaluation of the model on these benchmarks instead."),
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"Of --eval, as in `leanrl eval` [{_PROTOCOL}].")
    ] = None,
    plugin: Plugins = None,
    as_json: AsJson = False,
) -> None:
    """Show the memory, time and cost of a run before it runs."""
    from leanrl.cli.terminal.idle_flags import refuse_idle_flags
    from leanrl.planner.machine.card_flags import card_gib, card_settings

    gib = None if vram is None else card_gib(vram)
    typed = overrides or []
    of_a_run = {"--from": from_run, "--fit": fit, "--exact": exact, "--details": details, "--measure": measure}
    if largest:
        from leanrl.cli.plan.largest import print_largest

        others = {
            **{**of_a_run, "--strict": strict, "--lengths": lengths, "--plugin": plugin},
            **{"--eval": evaluation, "--protocol": protocol},
        }
        hint = "leave them out, and add them to the command of a row"
        refuse_idle_flags("--largest makes tables", others, hint=hint)
        print_largest(preset, typed, gpu=gpu, gib=gib, num_gpus=num_gpus, as_json=as_json)
        return
    if evaluation is not None:
        from leanrl.cli.plan.evaluation import print_evaluation

        others = {**of_a_run, "--plugin": plugin}
        refuse_idle_flags("--eval plans an evaluation", others, hint="leave them out, or plan the run without --eval")
        settings = [*typed, *card_settings(typed, gpu=gpu, gib=gib, num_gpus=num_gpus)]
        fits = print_evaluation(
            preset, settings, evaluation, lengths=lengths, protocol=protocol or _PROTOCOL, as_json=as_json
        )
        _require_fit(fits, strict=strict)
        return
    refuse_idle_flags("this plans a run", {"--protocol": protocol}, hint="name the benchmarks: --eval aime24,math500")
    if lengths is not None:
        hint = "leave one of the two out"
        refuse_idle_flags(f"--lengths {lengths} gives the lengths", {"--measure": measure}, hint=hint)
    from leanrl.cli.plan.answer import print_answer
    from leanrl.cli.plan.answering import answer_to
    from leanrl.cli.plan.lengths import lengths_given
    from leanrl.cli.plan.run import planned_run, print_warnings
    from leanrl.planning import examine_here

    given = [*typed, *card_settings(typed, gpu=gpu, gib=gib, num_gpus=num_gpus), *lengths_given(lengths)]
    config, calibration = planned_run(preset, given, from_run, measure=measure, plugins=plugin or [])
    found = examine_here(config, plugins=plugin or [])
    print_warnings(config, found.warnings)
    answer = answer_to(config, calibration, fit=fit, exact=exact, missing=found.lines)
    print_answer(answer, found.lines, as_json=as_json, with_details=details)
    if strict and answer.plan is None:
        from leanrl.errors import ConfigError

        raise ConfigError("--strict has no plan to judge by.", hint="leave --strict out")
    _require_fit(answer.plan is None or answer.plan.verdict != "does_not_fit", strict=strict)


def _require_fit(fits: bool, *, strict: bool) -> None:
    from leanrl.errors import DoesNotFitError

    if strict and not fits:
        raise typer.Exit(DoesNotFitError.exit_code)
