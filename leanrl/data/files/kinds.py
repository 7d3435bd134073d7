"""The kinds of files that hold rows, by their names."""

from pathlib import Path

from leanrl.data.files.unpacking import PACKED

KINDS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")


def kind_of(path: Path) -> str:
    """Return the ending that says how rows are written; that of a packed file stands before .gz."""
    endings = [ending.lower() for ending in path.suffixes]
    if len(endings) > 1 and endings[-1] in PACKED:
        return endings[-2]
    return endings[-1] if endings else ""
