"""`leanrl data decontaminate`."""

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leanrl.cli.terminal.options import AsJson

if TYPE_CHECKING:
    from leanrl.curation.decontamination.files import Decontaminated

_SHOWN = 3
_WIDTH = 100


def decontaminate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Training problems: .jsonl, .json, .csv, .parquet, .gz")],
    against: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Benchmarks, or files of problems [all benchmarks that are at hand]."),
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder with benchmarks as files, in the place of the Hub.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.jsonl", help="Write the rows that stay, and the others to FILE.jsonl.leaks.jsonl."),
    ] = None,
    min_containment: Annotated[
        float,
        typer.Option(
            metavar="SHARE", min=0.0, max=1.0, help="Drop a row that holds this fraction of a problem's words."
        ),
    ] = 0.5,
    problem_column: Annotated[str, typer.Option(metavar="NAME", help="Column with the problem's text.")] = "problem",
    answer_column: Annotated[str, typer.Option(metavar="NAME", help="Column with the gold answer.")] = "answer",
    as_json: AsJson = False,
) -> None:
    """Find training problems that repeat an evaluation problem, and write a file without them."""
    from leanrl.config.sections.data import DataConfig
    from leanrl.curation.decontamination.files import decontaminate as find
    from leanrl.curation.decontamination.sets import evaluation_problems
    from leanrl.errors import DataError

    names = None if against is None else [name.strip() for name in against.split(",") if name.strip()]
    problems = evaluation_problems(names, data_dir=data_dir, say=_say)
    data = DataConfig(path=str(file), problem_column=problem_column, answer_column=answer_column)
    try:
        found = find(file, problems, data=data, out=out, min_containment=min_containment, say=_say)
    except DataError as error:
        raise DataError(_in_options(error.message), hint=error.hint and _in_options(error.hint)) from error
    print(json.dumps(found.to_json(), indent=2) if as_json else _table(found, out))


def _in_options(text: str) -> str:
    """Return a message on keys of a run's config in the options of this command."""
    text = re.sub(r", or `-s [^`]*` for a folder that `datasets` reads", "", text)
    text = re.sub(r"-s ('?)data\.(problem|answer)_column=", r"--\2-column \1", text)
    text = re.sub(r"data\.(problem|answer)_column", r"--\1-column", text)
    return re.sub(r"-s ('?)data\.path=", r"\1", text).replace("data.path is ", "FILE is ")


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _table(found: "Decontaminated", out: Path | None) -> str:
    head = ("evaluation set", "8 words", "13 words", "contained", "leaked", "with its answer", "rows dropped")
    rows = [
        (
            name,
            *(str(len(ids)) for ids in vars(overlap).values()),
            str(found.num_dropped_by_set[name]),
        )
        for name, overlap in found.overlaps.items()
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (head, *rows)
    ]
    lines.append("")
    lines += [
        "8 and 13 words: evaluation problems that share any such run, most of them forms of speech",
        f"{found.num_dropped:,} of {found.num_rows:,} rows leak"
        + (f"; the others are in {out}" if out is not None else "; --out FILE.jsonl writes the others"),
    ]
    for text, leak in found.examples[:_SHOWN]:
        lines += ["", leak.reason, f"  training:   {_short(text)}", f"  evaluation: {_short(leak.problem.text)}"]
    return "\n".join(lines)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 3]}..."
