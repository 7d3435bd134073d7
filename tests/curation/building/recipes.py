"""A small recipe on rows of its own, with every kind of stage that needs no download."""

import json
from pathlib import Path
from typing import Any

import yaml

from leanrl.curation.building.build import Built, Places, build
from leanrl.curation.recipes.files import load_recipe
from leanrl.report.progress import PlainListener


class Quiet(PlainListener):
    """Keeps what a build says."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)

    def warn(self, text: str) -> None:
        self.lines.append(f"warning: {text}")

    def stand(self, standing: Any, *, busy_share: float | None) -> None:
        pass


def sums(num_rows: int) -> list[dict[str, Any]]:
    """Return rows such as `What is 3 + 7 apples?`."""
    return [
        {
            "id": f"s{number}",
            "problem": f"What is {number} + {2 * number} apples?",
            "answer": str(3 * number),
            "rank": number,
        }
        for number in range(num_rows)
    ]


def write_recipe(folder: Path, rows: list[dict[str, Any]], stages: dict[str, Any], **more: Any) -> Path:
    """Write rows and a recipe of one part on them; return the recipe."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = {"path": str(data), "kept_columns": ["rank"], "licence": "MIT"} | more.pop("source", {})
    tree = {"about": "a test", "seed": 1, "parts": {"sums": {"sources": {"s": source}, "stages": stages}}} | more
    recipe = folder / "small.yaml"
    recipe.write_text(yaml.safe_dump(tree, sort_keys=False))
    return recipe


def built(recipe: Path | str, out: Path, *overrides: str, listener: Quiet | None = None, **places: Path) -> Built:
    return build(load_recipe(str(recipe), overrides), out, places=Places(**places), listener=listener or Quiet())


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file by its name."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}
