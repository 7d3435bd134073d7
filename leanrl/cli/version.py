"""`leanrl --version`."""

import typer

from leanrl.machine.version import __version__


def print_version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        print(f"leanrl {__version__}")
        raise typer.Exit
