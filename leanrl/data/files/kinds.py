"""The kinds of files that hold rows, by their names."""

from pathlib import Path

from leanrl.data.files.unpacking import PACKED

# Far above what a model can be asked, and far below the memory of a machine: a file that is one line by mistake is
# refused, not read. Reasoning traces kept beside a problem take up to a few MB.
LONGEST_ROW_BYTES = 64 * 2**20
KINDS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")


def kind_of(path: Path) -> str:
    """Return the ending that says how rows are written; that of a packed file stands before .gz."""
    endings = [ending.lower() for ending in path.suffixes]
    if len(endings) > 1 and endings[-1] in PACKED:
        return endings[-2]
    return endings[-1] if endings else ""
