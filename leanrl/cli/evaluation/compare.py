"""`leanrl compare`."""

import json
from typing import Annotated

import typer

from leanrl.cli.terminal.options import AsJson


def compare(
    evaluations: Annotated[
        list[str],
        typer.Argument(
            metavar="EVALUATION",
            help="The base, then others: folders of `leanrl eval`, scores.json files, or rows such as sober:open-rs3.",
        ),
    ],
    force: Annotated[
        bool, typer.Option("--force", help="Compare although prompts, sampling or problems differ; it is marked.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare evaluations with the first of them: differences, intervals, and what could have been seen."""
    from leanrl.errors import ConfigError
    from leanrl.eval.compare.contrasts import contrasts_of
    from leanrl.eval.compare.files import contrasts_as_json
    from leanrl.eval.compare.sentences import lines_of
    from leanrl.eval.compare.sides import find_side

    if len(evaluations) < 2:
        raise ConfigError(
            f"a comparison takes a base and at least one other, here is {evaluations[0]} alone.",
            hint=f"leanrl compare {evaluations[0]} OTHER",
        )
    base, *others = map(find_side, evaluations)
    contrasts = contrasts_of(base, others, force=force)
    if as_json:
        print(json.dumps(contrasts_as_json(contrasts), indent=2, ensure_ascii=False, allow_nan=False))
        return
    for line in lines_of(contrasts):
        print(line)
