"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from leanrl.cli.terminal.completion import complete_preset, complete_setting

DEFAULT_PRESET = "a40x4-full-exp2"

Preset = Annotated[
    str,
    typer.Option(
        "--preset",
        "-p",
        metavar="NAME|FILE",
        help="A preset's name, or a YAML file.",
        autocompletion=complete_preset,
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        metavar="KEY=VALUE",
        help="Change one key; repeatable. `leanrl keys` lists them.",
        autocompletion=complete_setting,
    ),
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option("--plugin", metavar="FILE", help="Python file with rewards of your own; repeatable."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]
