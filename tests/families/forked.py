"""The command line in forks of one process that has imported the heavy libraries: a second saved ten times a row."""

import importlib
import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.cli.run import Outcome

_HEAVY = (
    "torch",
    "transformers.models.auto.modeling_auto",
    "peft",
    "trl",
    "datasets",
    "leanrl.cli.main",
    "leanrl.pipeline",
    "leanrl.trainer.build",
    "leanrl.models.merging.merge",
    "leanrl.models.answerer",
    "leanrl.engine.trainable",
)


def warm_up() -> None:
    """Import what every command needs; call it before the first fork, and compute nothing with torch before it."""
    for module in _HEAVY:
        importlib.import_module(module)


def leanrl(*arguments: str | Path) -> Outcome:
    """Return what `leanrl ARGUMENTS` did in a fork."""
    return in_fork(partial(run_command, arguments))


def run_command(arguments: Sequence[str | Path]) -> None:
    """Do what `leanrl ARGUMENTS` does, in this process."""
    from leanrl.cli.main import main

    sys.argv = ["leanrl", *map(str, arguments)]
    main()


def in_fork(work: Callable[[], None]) -> Outcome:
    """Run `work` in a fork; return its exit code and what it printed."""
    with TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        _, status = os.waitpid(start(work, out, err), 0)
        return Outcome(os.waitstatus_to_exitcode(status), _read(out), _read(err))


def start(work: Callable[[], None], out: Path, err: Path) -> int:
    """Begin `work` in a fork that prints into two files, and return its process id."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        _run(work, out, err)
    return child


def _run(work: Callable[[], None], out: Path, err: Path) -> None:
    code = 1
    try:
        for number, path in ((1, out), (2, err)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False), line_buffering=True)
        sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", closefd=False), line_buffering=True)
        work()
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""
