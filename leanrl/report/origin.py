"""How a run came about and how it goes on: where it departs from its preset, and the commands to paste."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from leanrl.config.catalog import Difference, diff_configs
from leanrl.config.files.shipped import preset_names
from leanrl.config.load import load_config
from leanrl.errors import LeanRLError
from leanrl.hints import command, setting
from leanrl.report.rendering import fill
from leanrl.report.run_data import RunData
from leanrl.storage.run_folder import RunFolder

# What a file says of the lengths that a plan expects; it changes no run.
_ONLY_PLANNED = "rollout.lengths."
_MOST_CHECKPOINTS = 10


@dataclass(frozen=True)
class Checkpoint:
    """A complete checkpoint, and what leads to it from the folder of the page; None where nothing does."""

    path: Path
    link: str | None


def origin_section(data: RunData, folder: Path | None = None) -> Markup:
    """Return the commands of the run, the keys that differ from its preset, what to do next, and its checkpoints.

    Args:
        folder: where the page lies; None for a page that is served, which can open no folder.
    """
    if data.path is None or not data.config:
        return Markup()
    found = differences(data)
    again = command("train", "-p", RunFolder(data.path).config)
    if found is not None:
        flags = [setting(each.key, each.right) for each in found]
        again = " ".join([command("train", "-p", data.config["name"]), *flags])
    rows = [(each.key, value_text(each.left), value_text(each.right)) for each in found or []]
    return fill(
        "origin.html",
        typed=data.env.get("command"),
        again=again,
        rows=rows,
        preset=None if found is None else data.name,
        steps=_next(data),
        checkpoints=_checkpoints(data, folder),
    )


def differences(data: RunData) -> list[Difference] | None:
    """Return the keys in which a run differs from its shipped preset; None for a run that has none."""
    if data.path is None or data.config.get("name") not in preset_names():
        return None
    try:
        preset, ran = load_config(data.config["name"]).config, load_config(RunFolder(data.path).config).config
    except LeanRLError:
        return None
    return [each for each in diff_configs(preset, ran) if not each.key.startswith(_ONLY_PLANNED)]


def _next(data: RunData) -> list[tuple[str, str]]:
    """Return what a reader may do with the run, each with its command."""
    assert data.path is not None
    checkpoints = RunFolder(data.path).complete_checkpoints()
    steps = []
    if data.status != "finished":
        steps.append(("Watch it while it trains", command("report", data.path, "--serve")))
        steps.append(("Go on after a stop", command("train", "--resume", data.path)))
    if checkpoints:
        newest = checkpoints[-1]
        steps.append(("Evaluate the newest checkpoint", command("eval", newest)))
        steps.append(("Write the model", command("merge", data.path, "--out", f"{data.folder_name}-model")))
    return steps


def _checkpoints(data: RunData, folder: Path | None) -> list[Checkpoint]:
    assert data.path is not None
    complete = RunFolder(data.path).complete_checkpoints()[-_MOST_CHECKPOINTS:]
    return [Checkpoint(path, None if folder is None else _link(path, folder)) for path in complete]


def _link(path: Path, folder: Path) -> str:
    """Return the relative address of a folder, so that a run that is moved as a whole keeps its links."""
    return quote(Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()) + "/"


def value_text(value: object) -> str:
    """Return a key's value as a reader of a page sees it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
