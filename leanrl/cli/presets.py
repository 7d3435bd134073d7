"""`leanrl presets`."""

import json
import sys
from typing import Annotated

import typer

from leanrl.cli.terminal.command import Command
from leanrl.cli.terminal.completion import complete_preset
from leanrl.cli.terminal.options import AsJson

presets = typer.Typer(help="List, show, compare and start presets.", rich_markup_mode=None, add_completion=False)

Name = Annotated[str, typer.Argument(metavar="NAME|FILE", autocompletion=complete_preset)]


@presets.callback(invoke_without_command=True)
def default(context: typer.Context) -> None:
    """List the presets."""
    if context.invoked_subcommand is None:
        list_all(as_json=False)


@presets.command("list", cls=Command)
def list_all(as_json: AsJson = False) -> None:
    """List the presets and what each is for."""
    from leanrl.config.catalog import list_presets

    found = list_presets()
    if as_json:
        print(json.dumps({preset.name: preset.about for preset in found}, indent=2))
        return
    width = max(len(preset.name) for preset in found)
    for preset in found:
        print(f"{preset.name:{width}}  {preset.about}")


@presets.command(cls=Command)
def show(name: Name) -> None:
    """Print a preset's file."""
    from leanrl.config.catalog import preset_text

    print(preset_text(name), end="")


@presets.command(cls=Command)
def diff(left: Name, right: Name, as_json: AsJson = False) -> None:
    """Print the keys in which two presets differ, and why."""
    from leanrl.config.catalog import diff_presets

    differences = diff_presets(left, right)
    if as_json:
        rows = [{"key": d.key, "left": d.left, "right": d.right, "reason": d.reason} for d in differences]
        print(json.dumps(rows, indent=2))
        return
    for difference in differences:
        print(f"{difference.key}: {json.dumps(difference.left)} -> {json.dumps(difference.right)}")
        if difference.reason:
            print(f"    {difference.reason}")
    if not differences:
        print("no key differs", file=sys.stderr)


@presets.command(cls=Command, short_help="Print the JSON schema of presets, for editors.")
def schema() -> None:
    """Print the JSON schema of presets, for editors: `leanrl presets schema > leanrl.schema.json`."""
    from leanrl.config.json_schema import preset_schema

    print(json.dumps(preset_schema(), indent=2, ensure_ascii=False))


@presets.command(cls=Command, short_help="Print a commented preset of your own.")
def init(name: Name) -> None:
    """Print a commented preset that starts from NAME: `leanrl presets init NAME > my.yaml`."""
    from leanrl.config.catalog import init_preset

    print(init_preset(name), end="")
