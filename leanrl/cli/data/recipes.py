"""`leanrl data recipes`."""

import json
from typing import Annotated

import typer

from leanrl.cli.terminal.options import AsJson


def recipes(
    name: Annotated[
        str | None, typer.Argument(metavar="RECIPE", help="Print this recipe, as a file to start from.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the recipes that come with leanrl, or print one."""
    from leanrl.curation.recipes.files import load_recipe, recipe_names, recipe_text

    if name is not None:
        text = recipe_text(name)
        print(json.dumps(load_recipe(name).recipe.model_dump(), indent=2) if as_json else text.rstrip())
        return
    abouts = {each: load_recipe(each).recipe.about for each in recipe_names()}
    if as_json:
        print(json.dumps(abouts, indent=2))
        return
    for each, about in abouts.items():
        print(f"{each:<18} {about}")
