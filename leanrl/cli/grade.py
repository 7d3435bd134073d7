"""`leanrl grade`."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal, TextIO

import typer

from leanrl.cli.options import AsJson


def grade(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help='Lines {"completion", "gold"}; - reads stdin.')],
    mode: Annotated[
        Literal["strict", "lenient"],
        typer.Option(metavar="strict|lenient", help="strict: the answer must be boxed; lenient: it need not be."),
    ] = "strict",
    as_json: AsJson = False,
) -> None:
    """Judge logged completions against their gold answers, line by line, then print the totals."""
    from leanrl.grading.pool import GraderPool
    from leanrl.grading.stream import Totals, grade_lines, verdict_as_json

    totals = Totals()
    with GraderPool() as grader, _opened(file) as lines:
        for verdict in grade_lines(lines, grader, mode=mode, source=str(file)):
            totals.add(verdict)
            print(json.dumps(verdict_as_json(verdict)) if as_json else verdict.reason)
    if as_json:
        print(json.dumps(totals.as_json()))
        return
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(totals.reasons.items()))
    print(f"{totals.num_correct} of {totals.num_lines} correct ({reasons})", file=sys.stderr)


@contextmanager
def _opened(file: Path) -> Iterator[TextIO]:
    from leanrl.errors import DataError

    if str(file) == "-":
        yield sys.stdin
        return
    try:
        # A lone surrogate or a broken byte in a log is one completion's trouble, not the file's.
        with file.open(encoding="utf-8", errors="replace") as lines:
            yield lines
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}.", hint="leanrl grade FILE.jsonl") from error
