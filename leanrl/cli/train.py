"""`leanrl train`."""

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from leanrl.cli.terminal.completion import complete_preset
from leanrl.cli.terminal.default_preset import preset_or_default
from leanrl.cli.terminal.options import DEFAULT_PRESET, AsJson, Overrides, Plugins
from leanrl.hints import command


def train(
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            "-p",
            metavar="NAME|FILE",
            help=f"Preset or YAML file [{DEFAULT_PRESET}].",
            autocompletion=complete_preset,
        ),
    ] = None,
    overrides: Overrides = None,
    run_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Run folder to create [runs/PRESET-TIME].")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Continue a run from its newest complete checkpoint.")
    ] = None,
    plugin: Plugins = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show config, plan and processes; train nothing.")] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Train although the plan does not fit; resume although something has changed."),
    ] = False,
    trust_plugins: Annotated[
        bool, typer.Option("--trust-plugins", help="With --resume: run plug-ins that another user may have written.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train a model as a preset says."""
    from leanrl.errors import ConfigError

    if resume is not None:
        if preset is not None or overrides or run_dir is not None or dry_run or plugin:
            raise ConfigError(
                "--resume takes preset, overrides, plug-ins and folder from the run; they cannot be given with it.",
                hint=command("train", "--resume", resume),
            )
        _resume(resume, force=force, trust_plugins=trust_plugins, as_json=as_json)
    elif trust_plugins:
        raise ConfigError(
            "--trust-plugins speaks of the plug-ins that a run keeps, and no run is named.",
            hint="`leanrl train --resume RUN --trust-plugins`; a new run takes plug-ins with `--plugin FILE`",
        )
    elif dry_run:
        from leanrl.cli.dry_run import print_dry_run

        print_dry_run(
            preset_or_default(preset), overrides or [], plugins=plugin or [], run_dir=run_dir, as_json=as_json
        )
    else:
        _train(
            preset_or_default(preset),
            overrides or [],
            plugins=plugin or [],
            run_dir=run_dir,
            force=force,
            as_json=as_json,
        )


def _train(
    preset: str, overrides: list[str], *, plugins: list[Path], run_dir: Path | None, force: bool, as_json: bool
) -> None:
    from leanrl.cli.configured import configured
    from leanrl.cli.dry_run import train_arguments
    from leanrl.cli.terminal.progress import listening
    from leanrl.errors import MissingError
    from leanrl.pipeline import train as run_training

    config = configured(preset, overrides, plugins).config
    try:
        with listening() as listener:
            summary = run_training(
                config,
                plugins=plugins,
                run_dir=run_dir,
                force=force,
                listener=listener,
                typed=train_arguments(preset, overrides, plugins=(), run_dir=None),
            )
    except MissingError as error:
        if error.hint is None:
            typed = shlex.join(train_arguments(preset, overrides, plugins=plugins, run_dir=run_dir))
            error.hint = f"`leanrl train {typed} --dry-run` shows the plan without what is missing"
        raise
    _print_summary(summary, as_json=as_json)


def _resume(run: Path, *, force: bool, trust_plugins: bool, as_json: bool) -> None:
    from leanrl.cli.terminal.progress import listening
    from leanrl.launch.this_rank import this_rank
    from leanrl.pipeline import resume as resume_training

    with listening() as listener:
        summary = resume_training(run, force=force, trust_plugins=trust_plugins, listener=listener)
    rank = this_rank()
    if rank is None or not rank.is_launched:  # the launcher prints it, once
        _print_summary(summary, as_json=as_json)


def _print_summary(summary: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        json.dump(summary, sys.stdout, indent=2)
        print()
        return
    from leanrl.report.outcome import outcome_text

    print(outcome_text(summary))
