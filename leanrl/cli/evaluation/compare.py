"""`leanrl compare`."""

import json
from typing import Annotated

import typer

from leanrl.cli.terminal.idle_flags import refuse_idle_flags
from leanrl.cli.terminal.options import AsJson


def compare(
    evaluations: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="EVALUATION",
            help="The base, then others: folders of `leanrl eval`, scores.json, greedy_*.jsonl of a run, or rows such "
            "as sober:open-rs3.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Compare although prompts, sampling or problems differ; it is marked.")
    ] = False,
    list_rows: Annotated[bool, typer.Option("--list", help="List the published rows, with their scores.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare evaluations with the first of them: differences, intervals, and the smallest difference to be found."""
    from leanrl.errors import ConfigError
    from leanrl.eval.compare.contrasts import contrasts_of
    from leanrl.eval.compare.files import contrasts_as_json
    from leanrl.eval.compare.sentences import lines_of
    from leanrl.eval.compare.sides import find_sides
    from leanrl.hints import command

    if list_rows:
        idle = {"EVALUATION": evaluations, "--force": force}
        refuse_idle_flags("--list lists the published rows", idle, hint="leanrl compare --list")
        _print_rows(as_json=as_json)
        return
    if not evaluations or len(evaluations) < 2:
        given = f"{evaluations[0]} alone" if evaluations else "none"
        raise ConfigError(
            f"a comparison takes a base and at least one other evaluation; given: {given}.",
            hint=f"{command('compare', *(evaluations or ['BASE']))} OTHER; published rows: `leanrl compare --list`",
        )
    base, *others = find_sides(evaluations)
    contrasts = contrasts_of(base, others, force=force)
    if as_json:
        print(json.dumps(contrasts_as_json(contrasts), indent=2, ensure_ascii=False, allow_nan=False))
        return
    for line in lines_of(contrasts):
        print(line)


def _print_rows(*, as_json: bool) -> None:
    from dataclasses import asdict

    from leanrl.eval.compare.reference import reference_rows

    rows = reference_rows()
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False))
        return
    for source in dict.fromkeys(row.source for row in rows):
        found = [row for row in rows if row.source == source]
        print(f"{source}: {found[0].title}")
        for row in found:
            scores = ", ".join(f"{name} {100 * one.mean:.1f}" for name, one in row.scores.items())
            print(f"    {row.label}  {scores}" + (f"  ({row.note})" if row.note else ""))
