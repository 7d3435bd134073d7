"""The files of rows in a folder: those of one split, of one kind."""

import re
from dataclasses import dataclass
from pathlib import Path

from leanrl.data.files.kinds import KINDS, kind_of
from leanrl.errors import DataError
from leanrl.hints import setting

# `datasets`, `git clone` and `leanrl data build` leave these beside the rows.
_NO_ROWS = frozenset(
    ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "metadata.json", "manifest.json")
)
_SPLIT_WORDS = {
    "train": "train", "training": "train", "test": "test", "testing": "test", "eval": "test", "evaluation": "test",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
}  # fmt: skip
_SHOWN = 4


@dataclass(frozen=True)
class FolderFiles:
    """The files of a folder that are read, in the order of their names, and those of other splits."""

    folder: Path
    read: list[Path]
    left_out: list[Path]
    split: str

    def lines(self) -> list[str]:
        """Return what a person has to know of which files are read."""
        said = f"{self.folder}: read {_names(self.read, self.folder)}"
        if self.left_out:
            said += f"; left out {_names(self.left_out, self.folder)}, for data.split is {self.split}"
        return [said]


def files_in(folder: Path, *, split: str) -> FolderFiles:
    """Return the files of rows in a folder and the folders in it.

    Where names hold a split, such as train-00000.parquet or test/a.jsonl, files of other splits are left out.

    Raises:
        DataError: if there are none, none of that split, or files of several kinds, which may hold the same rows.
    """
    found = [file for file in sorted(folder.rglob("*")) if _holds_rows(file, folder)]
    if not found:
        raise DataError(
            f"data.path is {folder}, a folder without files of rows ({', '.join(KINDS)}, or these as .gz).",
            hint=f"`-s data.path=FILE`, or `{setting('data.hub_id', folder)}` for a folder that `datasets` reads",
        )
    wanted = split.partition("[")[0]
    named = {file: _split_of(file, folder) for file in found}
    read = [file for file in found if named[file] in (None, _SPLIT_WORDS.get(wanted, wanted))]
    if not read:
        splits = sorted({name for name in named.values() if name is not None})
        raise DataError(
            f"data.path is {folder}, whose files are of the splits {', '.join(splits)}; data.split is {split}.",
            hint=" or ".join(f"`{setting('data.split', name)}`" for name in splits),
        )
    _require_one_kind(folder, read)
    return FolderFiles(folder, read, [file for file in found if file not in set(read)], split)


def _holds_rows(file: Path, folder: Path) -> bool:
    is_hidden = any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
    return not is_hidden and file.name not in _NO_ROWS and kind_of(file) in KINDS and file.is_file()


def _split_of(file: Path, folder: Path) -> str | None:
    words = re.split(r"[^A-Za-z]+", str(file.relative_to(folder)).lower())
    return next((_SPLIT_WORDS[word] for word in words if word in _SPLIT_WORDS), None)


def _require_one_kind(folder: Path, files: list[Path]) -> None:
    by_kind: dict[str, Path] = {}
    for file in files:
        by_kind.setdefault(kind_of(file), file)
    if len(by_kind) > 1:
        raise DataError(
            f"data.path is {folder}, with files of several kinds, which may hold the same rows twice: "
            f"{_names(list(by_kind.values()), folder)}.",
            hint=" or ".join(f"`{setting('data.path', file)}`" for file in by_kind.values()),
        )


def _names(files: list[Path], folder: Path) -> str:
    shown = ", ".join(str(file.relative_to(folder)) for file in files[:_SHOWN])
    return shown if len(files) <= _SHOWN else f"{shown} and {len(files) - _SHOWN} more"
