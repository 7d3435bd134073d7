"""`leanrl data build`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from leanrl.cli.terminal.options import AsJson


def build(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe's name, or a YAML file.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the dataset; a build that was stopped goes on.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="KEY=VALUE", help="Change one key of the recipe; repeatable."),
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder with benchmarks as files, in the place of the Hub.")
    ] = None,
    replies_of: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Another build of the same models, whose replies to the same rows are taken."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Build a dataset by a recipe: sources, stages that say what they drop, and a mix."""
    from leanrl.curation.building.build import Places
    from leanrl.curation.building.build import build as build_dataset
    from leanrl.curation.funnel.text import funnel_lines
    from leanrl.curation.recipes.files import load_recipe
    from leanrl.evaluation.standing import listening
    from leanrl.hints import command, setting

    with listening() as listener:
        places = Places(benchmarks=data_dir, replies_of=replies_of)
        built = build_dataset(load_recipe(recipe, overrides or ()), out, places=places, listener=listener)
        if not built.is_new:
            listener.say(f"{out} is whole already: nothing is built")
    if as_json:
        print(json.dumps(built.manifest, indent=2, ensure_ascii=False))
        return
    print("\n".join(funnel_lines(built.manifest)))
    print(_rows_line(built.manifest))
    print(f"train on it: `leanrl train {setting('data.path', out)}`")
    print(f"see what was dropped: `{command('data', 'show', out)}`")


def _rows_line(manifest: Any) -> str:
    published = manifest["published_rows"]
    beside = "" if published is None else f"; the published dataset has {published:,}"
    return f"{manifest['num_rows']:,} rows{beside}"
