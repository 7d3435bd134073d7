"""A column of a row by its name, which may lead into nested ones, as `reward_model.ground_truth` does."""

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from leanrl.config.schema import DataConfig
from leanrl.data.sources import Source
from leanrl.errors import DataError
from leanrl.hints import setting

# Names of other data sets and trainers, tried in this order where nothing looks alike.
_NAMES_ELSEWHERE = {
    "data.problem_column": ("question", "prompt", "query", "problem", "input", "instruction"),
    "data.answer_column": ("answer", "reward_model.ground_truth", "ground_truth", "final_answer", "solution", "target",
                           "result", "label", "output"),
}  # fmt: skip


def value_at(fields: Mapping[str, Any], name: str) -> Any:
    """Return the value of a column; a dot leads into a nested one unless a column has that very name."""
    if name in fields:
        return fields[name]
    outer, _, inner = name.partition(".")
    nested = fields.get(outer)
    return value_at(nested, inner) if inner and isinstance(nested, Mapping) else None


def kept_fields(fields: Mapping[str, Any], names: Collection[str] | None) -> dict[str, Any]:
    """Return the named columns of a row that it has, or all of them for None."""
    return {name: value for name, value in fields.items() if names is None or name in names}


def top_level(name: str, columns: Iterable[str]) -> str:
    """Return the column that has to be read so that `value_at` finds `name`."""
    return name if name in columns else name.partition(".")[0]


def require_columns(source: Source, data: DataConfig) -> None:
    """Check that the source has rows, and in them the columns that the config names.

    Raises:
        DataError: naming the columns that there are, with the flags of those that were probably meant.
    """
    if not source.rows:
        raise DataError(f"{source.name}: holds no rows.", hint="one problem a line, with its text and its gold answer")
    there = _nested_names(source)
    wanted = {"data.problem_column": data.problem_column, "data.answer_column": data.answer_column}
    missing = {key: column for key, column in wanted.items() if column not in there}
    if not missing:
        return
    lines = [f"{source.name}: has no column {column!r} ({key})." for key, column in missing.items()]
    flags = " ".join(setting(key, _nearest(key, column, there)) for key, column in missing.items())
    raise DataError("\n".join([*lines, f"Its columns are: {', '.join(there)}."]), hint=f"name them: `{flags}`")


def _nested_names(source: Source) -> list[str]:
    """Return the columns, and behind each that holds maps the names in it."""
    names: dict[str, None] = {}
    for column in source.columns:
        names[column] = None
        for row in source.rows:
            names.update(dict.fromkeys(_names_in(row.fields.get(column), f"{column}.")))
    return list(names)


def _names_in(value: Any, prefix: str) -> Iterable[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield f"{prefix}{name}"
            yield from _names_in(inner, f"{prefix}{name}.")


def _nearest(key: str, column: str, there: list[str]) -> str:
    by_lower = {name.lower(): name for name in reversed(there)}
    alike = difflib.get_close_matches(column.lower(), by_lower, n=1)
    found = [*alike, *(name for name in _NAMES_ELSEWHERE[key] if name in by_lower)]
    return by_lower[found[0]] if found else "NAME"
