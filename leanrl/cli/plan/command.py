"""`leanrl plan`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leanrl.cli.terminal.completion import complete_card, complete_preset
from leanrl.cli.terminal.default_preset import preset_or_default
from leanrl.cli.terminal.options import DEFAULT_PRESET, AsJson, Overrides, Plugins

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
    protocol: Annotated[str, typer.Option(metavar="NAME", help="Of --eval, as in `leanrl eval`.")] = "robust",
    plugin: Plugins = None,
    as_json: AsJson = False,
) -> None:
    """Show the memory, time and cost of a run before it runs."""
    from leanrl.planner.machine.card_flags import card_gib, card_settings

    gib = None if vram is None else card_gib(vram)
    typed = overrides or []
    if largest:
        from leanrl.cli.plan.largest import print_largest, require_alone

        require_alone(
            {
                **{"--from": from_run, "--fit": fit, "--exact": exact, "--details": details, "--strict": strict},
                **{"--lengths": lengths, "--measure": measure},
            }
        )
        print_largest(preset, typed, gpu=gpu, gib=gib, num_gpus=num_gpus, as_json=as_json)
        return
    if evaluation is not None:
        from leanrl.cli.plan.evaluation import print_evaluation
        from leanrl.cli.plan.lengths import lengths_given
        from leanrl.config.load import load_config
        from leanrl.eval.benchmarks.protocols import find_protocol

        tokens = find_protocol(protocol).max_completion_tokens
        longest = [f"rollout.max_completion_tokens={tokens}", "rollout.max_model_tokens=null"]
        given = [*typed, *card_settings(typed, gpu=gpu, gib=gib, num_gpus=num_gpus), *lengths_given(lengths), *longest]
        config = load_config(preset_or_default(preset), given).config
        print_evaluation(config, evaluation, protocol=protocol, as_json=as_json)
        return
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
    if strict:
        _require_fit(answer.plan)


def _require_fit(predicted: "Plan | None") -> None:
    from leanrl.errors import ConfigError, DoesNotFitError

    if predicted is None:
        raise ConfigError("--strict has no plan to judge by.", hint="leave --strict out")
    if predicted.verdict == "does_not_fit":
        raise typer.Exit(DoesNotFitError.exit_code)
