"""The folder of a built dataset: its files by name, and whether it may be written."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leanrl.errors import ConfigError, DataError
from leanrl.hints import quoted
from leanrl.storage.run_folder import read_json, write_json

FORMAT = 1
_SHOWN = 8


@dataclass(frozen=True)
class DatasetFolder:
    """The files of a dataset. `datasets` and `data.path` read its Parquet; the folder `_curation` is passed over."""

    path: Path

    @property
    def rows(self) -> Path:
        return self.path / "data" / "train-00000-of-00001.parquet"

    @property
    def card(self) -> Path:
        return self.path / "README.md"

    @property
    def manifest(self) -> Path:
        """Written last: a folder that has it is whole."""
        return self.path / "manifest.json"

    @property
    def curation(self) -> Path:
        return self.path / "_curation"

    @property
    def ledger(self) -> Path:
        return self.curation / "ledger.parquet"

    @property
    def recipe(self) -> Path:
        return self.curation / "recipe.json"

    @property
    def unfinished(self) -> Path:
        """Files that are being written; they are renamed when they are whole."""
        return self.curation / "unfinished"

    def answers(self, part: str, stage: str) -> Path:
        """Return the folder with the completions that a model stage has drawn."""
        return self.curation / "answers" / f"{part}.{stage}"

    def _is_only_begun(self) -> bool:
        """Return whether nothing is here that another recipe could not use: no rows, and no reply of a model."""
        return not (self.manifest.is_file() or self.rows.is_file() or (self.curation / "answers").exists())

    def begin(self, recipe: Mapping[str, Any]) -> bool:
        """Note the recipe, or check that the folder was begun by the same; return whether it is whole already.

        A folder that holds nothing yet takes another recipe: the first one may have been refused.

        Raises:
            ConfigError: if the folder holds another recipe's rows, with the keys that differ, or something else.
        """
        asked = {"format": FORMAT, **recipe}
        if self.recipe.is_file():
            differing = _differences(read_json(self.recipe), asked)
            if differing and not self._is_only_begun():
                lines = "\n".join(f"  - {line}" for line in differing[:_SHOWN])
                raise ConfigError(
                    f"{self.path} was begun by another recipe:\n{lines}",
                    hint=f"build as before, or keep both: `--out {quoted(f'{self.path}-2')}`",
                )
            if differing:
                write_json(self.recipe, asked)
            return self.manifest.is_file()
        if self.path.is_file() or (self.path.is_dir() and any(_foreign(self.path))):
            raise ConfigError(
                f"{self.path} exists and holds no build of leanrl: nothing is overwritten.",
                hint="name a new folder with `--out DIR`",
            )
        self.unfinished.mkdir(parents=True, exist_ok=True)
        write_json(self.recipe, asked)
        return False


def read_manifest(path: Path) -> dict[str, Any]:
    """Return the manifest of a built dataset.

    Raises:
        DataError: if the folder has none, or its build was not finished.
    """
    folder = DatasetFolder(path)
    if not folder.manifest.is_file():
        begun = folder.recipe.is_file()
        raise DataError(
            f"{path} {'is a build that was not finished' if begun else 'is no dataset that leanrl has built'}: "
            "it has no manifest.json.",
            hint="the command that began it goes on"
            if begun
            else "name the folder that `leanrl data build` was given as --out",
        )
    return read_json(folder.manifest)


def sha256_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _differences(saved: Any, asked: Any, name: str = "") -> list[str]:
    if isinstance(saved, Mapping) and isinstance(asked, Mapping):
        keys = list(dict.fromkeys([*saved, *asked]))
        inner = [_differences(saved.get(key), asked.get(key), f"{name}.{key}" if name else str(key)) for key in keys]
        return [line for lines in inner for line in lines]
    if json.dumps(saved, sort_keys=True) == json.dumps(asked, sort_keys=True):
        return []
    return [f"{name} is {asked!r:.60}, and was {saved!r:.60}"]


def _foreign(folder: Path) -> Iterator[Path]:
    """Yield what a build that was killed in its first moment does not leave."""
    return (path for path in folder.iterdir() if path.name != "_curation" and not path.name.startswith("."))
