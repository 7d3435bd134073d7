"""`leanrl data rank`."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from leanrl.cli.terminal.options import AsJson

_SHOWN = 10
_WIDTH = 70


def rank(
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="A run with a ledger, or a built dataset whose recipe asks a solver."),
    ],
    order: Annotated[
        Literal["varied", "signal", "easy", "hard"],
        typer.Option(
            metavar="varied|signal|easy|hard",
            help="varied: pass rates that move most over visits first; signal: groups with most to learn first.",
        ),
    ] = "varied",
    top: Annotated[int | None, typer.Option(metavar="N", min=1, help="Keep the first N problems.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.jsonl", help="Write the problems; `-s data.path=FILE` takes them.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Order the problems of a run or of a built dataset by how their completions went, and write them as a dataset."""
    from leanrl.curation.ranking.files import RankedProblems, write_ranked
    from leanrl.curation.ranking.solver_pass import rank_folder
    from leanrl.storage.output_folder import require_new_file

    if out is not None:
        require_new_file(out, option="--out")
    problems = rank_folder(folder, order)
    problems = RankedProblems(problems.rows[:top], problems.seen[:top])
    if out is not None:
        write_ranked(problems, out)
    shown = [
        {"id": row.id, "problem": row.problem, **({} if seen is None else vars(seen))}
        for row, seen in zip(problems.rows, problems.seen, strict=True)
    ]
    if as_json:
        print(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    print(f"{'visits':>6}  {'pass rate':>9}  {'variance':>8}  problem")
    for each in shown[:_SHOWN]:
        numbers = "     -          -         -"
        if "pass_rate" in each:
            numbers = f"{each['num_visits']:>6}  {each['pass_rate']:>9.0%}  {each['variance']:>8.3f}"
        print(f"{numbers}  {' '.join(each['problem'].split())[:_WIDTH]}")
    written = "; --out FILE.jsonl writes them" if out is None else f", all in {out}"
    print(f"{problems.num_asked} of {len(shown)} problems were asked{written}")
