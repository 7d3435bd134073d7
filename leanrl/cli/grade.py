"""`leanrl grade`."""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, TextIO

import typer

from leanrl.cli.terminal.options import AsJson

_STDIN = "standard input"


class Allowed(StrEnum):
    """The forms of an equal answer that may be let pass."""

    UNFINISHED = "unfinished"
    ECHO = "echo"


def grade(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.jsonl", help='Lines {"completion", "gold", maybe "problem"}, also as .gz; - reads stdin.'
        ),
    ],
    mode: Annotated[
        Literal["strict", "lenient"],
        typer.Option(metavar="strict|lenient", help="strict: the answer must be boxed; lenient: it need not be."),
    ] = "strict",
    allowed: Annotated[
        list[Allowed] | None,
        typer.Option(
            "--allow",
            metavar="unfinished|echo",
            help="Take an equal answer although operations are left to do, or it copies the problem (repeatable).",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Judge logged completions against their gold answers, line by line, then print the totals."""
    from leanrl.errors import DataError
    from leanrl.grading.pool import GraderPool
    from leanrl.grading.stream import FORM, Totals, grade_lines, verdict_as_json
    from leanrl.types import FORMS

    totals, source = Totals(), _STDIN if str(file) == "-" else str(file)
    refused = tuple(form for form in FORMS if form not in (allowed or ()))
    with GraderPool(refused=refused) as grader, _opened(file) as lines:
        for verdict in grade_lines(lines, grader, mode=mode, source=source):
            totals.add(verdict)
            print(json.dumps(verdict_as_json(verdict)) if as_json else verdict.reason)
    if not totals.reasons:
        raise DataError(f"{source} holds no lines.", hint=f"a line looks like {FORM}")
    if as_json:
        print(json.dumps(totals.as_json()))
        return
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(totals.reasons.items()))
    print(f"{totals.reasons['correct']} of {totals.reasons.total()} correct ({reasons})", file=sys.stderr)


@contextmanager
def _opened(file: Path) -> Iterator[TextIO]:
    """Open a log, packed or not; a broken byte in it is one completion's trouble, not the file's."""
    from leanrl.data.files.unpacking import opened, unpacked

    source = opened(file) if str(file) != "-" else unpacked(sys.stdin.buffer, _STDIN)
    with source as content:
        lines = io.TextIOWrapper(content, encoding="utf-8", errors="replace")
        try:
            yield lines
        finally:
            lines.detach()
