"""`leanrl`: the commands, and how an error becomes a message and an exit code."""

import os
import sys
from typing import NoReturn

import typer

from leanrl.cli.doctor import doctor
from leanrl.cli.grade import grade
from leanrl.cli.merge import merge
from leanrl.cli.plan import plan
from leanrl.cli.presets import presets
from leanrl.cli.report import report
from leanrl.cli.sample import sample
from leanrl.cli.train import train
from leanrl.errors import LeanRLError

_STDOUT = 1
# Without rich in the help, `leanrl --help` stays under its 300 ms; rich is imported by a running bar only.
app = typer.Typer(
    name="leanrl",
    help="GRPO for small reasoning models in little memory.",
    rich_markup_mode=None,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(train)
app.command()(plan)
app.command()(report)
app.command()(merge)
app.command()(grade)
app.command()(sample)
app.add_typer(presets, name="presets")
app.command()(doctor)


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        try:
            app()
        except SystemExit:
            sys.stdout.flush()  # here, where a reader that has gone can be told from a failure
            raise
    except LeanRLError as error:
        print(_message(error), file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("stopped by Ctrl-C; `leanrl train --resume RUN` goes on from a run's newest checkpoint", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        _leave_without_reader()
    except SystemExit as leaving:
        # typer catches the error itself, and makes it exit code 1.
        if not isinstance(leaving.__context__, BrokenPipeError):
            raise
        _leave_without_reader()


def _leave_without_reader() -> NoReturn:
    """End well: of `leanrl plan | head` the reader has all that it asked for."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)
    sys.exit(0)


def _message(error: LeanRLError) -> str:
    lines = [f"error: {error.message}"]
    if error.hint is not None:
        lines.append(f"hint: {error.hint}")
    return "\n".join(lines)
