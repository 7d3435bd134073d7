"""`leanrl data`."""

import typer

from leanrl.cli.data.build import build
from leanrl.cli.data.decontaminate import decontaminate
from leanrl.cli.data.rank import rank
from leanrl.cli.data.recipes import recipes
from leanrl.cli.data.show import show
from leanrl.cli.terminal.command import Command

data = typer.Typer(help="Curate training data.", rich_markup_mode=None, add_completion=False, no_args_is_help=True)
data.command(cls=Command, short_help="Build a dataset by a recipe.")(build)
data.command(cls=Command, short_help="Show what a build kept and dropped.")(show)
data.command(cls=Command, short_help="List the recipes, or print one.")(recipes)
data.command(cls=Command, short_help="Drop problems that repeat evaluation problems.")(decontaminate)
data.command(cls=Command, short_help="Order a run's problems by how they went.")(rank)


@data.callback()
def options() -> None:
    """Curate training data."""
