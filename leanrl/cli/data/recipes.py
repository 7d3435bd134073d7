"""`leanrl data recipes`."""

from typing import Annotated

import typer


def recipes(
    name: Annotated[
        str | None, typer.Argument(metavar="RECIPE", help="Print this recipe, as a file to start from.")
    ] = None,
) -> None:
    """List the recipes that come with leanrl, or print one."""
    from leanrl.curation.recipes.files import load_recipe, recipe_names, recipe_text

    if name is not None:
        print(recipe_text(name), end="")
        return
    for each in recipe_names():
        print(f"{each:<18} {load_recipe(each).recipe.about}")
