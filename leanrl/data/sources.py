"""Where rows come from: files, a dataset on the Hub, or Python."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from leanrl.errors import DataError, MissingError
from leanrl.hints import setting

_CONFIGS_SHOWN = 4


@dataclass(frozen=True)
class SourceRow:
    """The fields of one row as they were found; `where` names the place to a person."""

    where: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """The rows of one source, read once, as they are asked for.

    `columns` are those that it names beside its rows; `lines` say to a person how it is read.
    """

    name: str
    rows: Iterable[SourceRow]
    columns: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def read_hub_source(
    hub_id: str, *, config: str | None = None, revision: str | None, split: str, wanted_columns: Sequence[str] | None
) -> Source:
    """Fetch one split of a dataset and keep its wanted columns; a local folder serves as well as a Hub id.

    `config` names one of several configurations that a dataset may have. A wanted name with a dot keeps the column
    that it leads into; None keeps every column.

    Raises:
        MissingError: if the Hub cannot be reached and the dataset is not in the cache.
        DataError: if there is no such dataset or split, or its files cannot be parsed.
    """
    from datasets import load_dataset
    from datasets.exceptions import DatasetNotFoundError, DatasetsError

    name = f"{hub_id}{'' if config is None else f' ({config})'}, split {split}"
    ways_out = (
        "check data.hub_id, data.hub_config, data.hub_revision and data.split (a gated dataset needs `hf auth login`), "
        "or save the rows as a file and use `-s data.path=FILE.jsonl`"
    )
    try:
        dataset = load_dataset(hub_id, config, split=split, revision=revision)
    except (DatasetNotFoundError, DatasetsError, ValueError) as error:
        raise DataError(f"The dataset {name}, cannot be used: {error}", hint=_config_hint(error) or ways_out) from error
    except OSError as error:
        raise MissingError(
            f"The dataset {name}, could not be fetched: {error}",
            hint="connect to the Hub and try again (what was fetched once is cached), "
            "or bring the rows as a file: `-s data.path=FILE.jsonl`",
        ) from error
    columns = list(dataset.column_names)
    read = {name if name in columns else name.partition(".")[0] for name in wanted_columns or columns}
    kept = dataset.select_columns([column for column in columns if column in read])
    rows = (SourceRow(f"{hub_id}[{split}], row {number}", fields) for number, fields in enumerate(kept, start=1))
    return Source(name, rows, columns)


def number_python_rows(rows: Iterable[Mapping[str, Any]]) -> Source:
    """Wrap rows that were given in Python: a list, a generator, a pandas.DataFrame or a dataset.

    Raises:
        DataError: once a row is reached that is no mapping.
    """
    if hasattr(rows, "iterrows"):  # iterating over a DataFrame gives the names of its columns
        rows = (row.to_dict() for _, row in rows.iterrows())
    return Source("rows given in Python", (_python_row(row, number) for number, row in enumerate(rows, start=1)))


def _python_row(row: Any, number: int) -> SourceRow:
    if not isinstance(row, Mapping):
        raise DataError(
            f"Row {number} of the rows given in Python is a {type(row).__name__}, not a mapping.",
            hint='give rows such as {"problem": "2 + 2", "answer": "4"}',
        )
    return SourceRow(f"row {number}", row)


def _config_hint(error: Exception) -> str | None:
    """Return the flag that `datasets` asks for where a dataset has several configurations."""
    found = re.search(r"available configs: \[([^\]]*)\]", str(error))
    names = re.findall(r"'([^']+)'", found[1]) if found else []
    return " or ".join(setting("data.hub_config", name) for name in names[:_CONFIGS_SHOWN]) or None
