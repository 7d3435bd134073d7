"""`leanrl`: the commands, and how an error becomes a message and an exit code."""

import os
import sys
from contextlib import nullcontext, suppress
from typing import Annotated, NoReturn

import typer

from leanrl.cli.data.app import data
from leanrl.cli.doctor import doctor
from leanrl.cli.evaluation.compare import compare
from leanrl.cli.evaluation.eval import evaluate
from leanrl.cli.grade import grade
from leanrl.cli.init.command import init
from leanrl.cli.listings import cards, keys, plugins, rewards
from leanrl.cli.merge import merge
from leanrl.cli.plan.command import plan
from leanrl.cli.presets import presets
from leanrl.cli.report import report
from leanrl.cli.sample import sample
from leanrl.cli.terminal.colour import painted
from leanrl.cli.terminal.command import Command
from leanrl.cli.terminal.completion import whole_settings
from leanrl.cli.terminal.streams import drop_output, is_full, open_closed_streams, take_every_character
from leanrl.cli.train import train
from leanrl.cli.version import print_version
from leanrl.errors import ConfigError, DoesNotFitError, LeanRLError
from leanrl.hints import quoted

_STDERR = 2
# Without rich in the help, `leanrl --help` stays under its 300 ms; rich is imported by a running bar only.
app = typer.Typer(
    name="leanrl",
    help="GRPO for small reasoning models in little memory.",
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(cls=Command, short_help="Ask three questions and write a preset.")(init)
app.command(cls=Command, short_help="Train a model as a preset says.")(train)
app.command(cls=Command, short_help="Show memory, time and cost before a run.")(plan)
app.command(cls=Command, short_help="Write a page with the curves of runs.")(report)
app.command(cls=Command, short_help="Fold an adapter into its base, and verify it.")(merge)
app.command(cls=Command, short_help="Judge the answers of a file.")(grade)
app.command("eval", cls=Command, short_help="Measure a model on benchmarks.")(evaluate)
app.command(cls=Command, short_help="Compare evaluations, with intervals.")(compare)
app.command(cls=Command, short_help="Ask a trained model one problem.")(sample)
app.add_typer(data, name="data")
app.add_typer(presets, name="presets")
app.command(cls=Command, short_help="List the keys of a config.")(keys)
app.command(cls=Command, short_help="List the rewards and their options.")(rewards)
app.command(cls=Command, short_help="List the plug-ins of a step and their options.")(plugins)
app.command(cls=Command, short_help="List the GPUs that are known by name.")(cards)
app.command(cls=Command, short_help="Say what this machine can run.")(doctor)


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """GRPO for small reasoning models in little memory."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    open_closed_streams()
    take_every_character()
    try:
        try:
            _require_folder()
            _run()
        except SystemExit:
            sys.stdout.flush()  # here, where a reader that has gone can be told from a failure
            raise
    except LeanRLError as error:
        with suppress(OSError):  # a terminal that is closed reads no message; the exit code is read all the same
            print(_message(error), file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("stopped by Ctrl-C; `leanrl train --resume RUN` goes on from a run's newest checkpoint", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        _leave_without_reader()
    except OSError as error:
        if not is_full(error):
            raise
        drop_output()
        full = DoesNotFitError(f"{error.filename or 'the output'} cannot be written: {error.strerror}.", hint="df -h")
        print(_message(full), file=sys.stderr)
        sys.exit(full.exit_code)
    except SystemExit as leaving:
        # typer catches the error itself, and makes it exit code 1.
        if not isinstance(leaving.__context__, BrokenPipeError):
            raise
        _leave_without_reader()
    finally:
        _let_go_of_closed_stderr()


def _run() -> None:
    with whole_settings(os.environ) if os.environ.get("_LEANRL_COMPLETE") == "complete_bash" else nullcontext():
        app(prog_name="leanrl")


def _require_folder() -> None:
    """Refuse a folder that is gone: no relative path can be resolved in it, and libraries do so as they are imported.

    Raises:
        ConfigError: if the folder that the command runs in does not exist.
    """
    try:
        os.getcwd()
    except OSError as error:
        where = os.environ.get("PWD", "the current folder")
        hint = f"cd {quoted(where)}, if it was made again; else `cd`"
        raise ConfigError(f"{where} does not exist any more, and the command was started in it.", hint=hint) from error


def _leave_without_reader() -> NoReturn:
    """End well: of `leanrl plan | head` the reader has all that it asked for."""
    drop_output()
    sys.exit(0)


def _let_go_of_closed_stderr() -> None:
    """Keep the exit code: Python makes it 120 where the last words reach nobody."""
    try:
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), _STDERR)


def _message(error: LeanRLError) -> str:
    lines = [f"{painted('error:', 'error', stream=sys.stderr)} {error.message}"]
    if error.hint is not None:
        lines.append(f"{painted('hint:', 'hint', stream=sys.stderr)} {error.hint}")
    return "\n".join(lines)
