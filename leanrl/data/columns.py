"""A column of a row by its name, which may lead into nested ones, as `reward_model.ground_truth` does."""

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from leanrl.config.sections.data import DataConfig
from leanrl.data.golds.answer import reads_as_value
from leanrl.data.sources import Source, SourceRow
from leanrl.errors import DataError
from leanrl.hints import setting

# Names that datasets of TRL, verl and the Hub give their columns. They are taken, in this order, where the config
# leaves the name to leanrl.
_USUAL_NAMES = {
    "data.problem_column": ("question", "prompt", "messages", "query", "extra_info.question"),
    "data.answer_column": ("reward_model.ground_truth", "ground_truth", "final_answer", "expected_answer", "gold",
                           "extra_info.answer", "solution"),
}  # fmt: skip
# Names that say less: they are proposed, never taken.
_LIKELY_NAMES = {
    "data.problem_column": ("problem", "instruction", "input"),
    "data.answer_column": ("answer", "target", "result", "label", "output", "correct", "correct_answer"),
}
CHOICES_COLUMN = "choices"  # with the options of a row whose answer is an index, as MMLU has it
_DEFAULTS = {"data.problem_column": "problem", "data.answer_column": "answer"}
_HEAD_SHARE = 0.8  # of the first rows, where a column holds answers


@dataclass
class Columns:
    """The columns that are read, and which of them have been met in a row.

    `lines` say which were taken without being named.
    """

    problem: str
    answer: str
    lines: list[str] = field(default_factory=list)
    met: set[str] = field(default_factory=set)
    names: dict[str, None] = field(default_factory=dict)

    def meet(self, fields: Mapping[str, Any]) -> None:
        """Note the names of a row."""
        self.names.update(dict.fromkeys(map(str, fields)))
        if len(self.met) < 2:
            self.met.update(name for name in (self.problem, self.answer) if _has(fields, name))


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


def wanted_columns(data: DataConfig, others: Collection[str] | None) -> list[str] | None:
    """Return the columns that a source with many has to give: those of the config, and those that may be read.

    `others` are kept beside them; None wants every column.
    """
    if others is None:
        return None
    usual = [name for key, names in _USUAL_NAMES.items() if _named(data)[key] == _DEFAULTS[key] for name in names]
    return [data.problem_column, data.answer_column, CHOICES_COLUMN, *others, *usual]


def choose_columns(source: Source, head: Sequence[SourceRow], data: DataConfig) -> Columns:
    """Return the columns to read: those of the config, or of a usual name where it has the default's and none is there.

    Args:
        head: the first rows, in whose maps nested names are looked for.
    """
    there = set(_nested_names(source, head))
    chosen, lines = _named(data), []
    for key, name in _named(data).items():
        usual = next((each for each in _USUAL_NAMES[key] if each in there), None)
        if name not in there and name == _DEFAULTS[key] and usual is not None:
            chosen[key] = usual
            what = "problems" if key == "data.problem_column" else "gold answers"
            lines.append(f"{what} are read from the column {usual!r}; `{setting(key, 'NAME')}` names another")
    return Columns(chosen["data.problem_column"], chosen["data.answer_column"], lines)


def require_columns(source: Source, head: Sequence[SourceRow], columns: Columns) -> None:
    """Check, when all rows are read, that there were any, and in them the columns that the config names.

    Raises:
        DataError: naming the columns that there are, with the flags of those that were probably meant.
    """
    if not head:
        raise DataError(f"{source.name}: holds no rows.", hint="one problem a line, with its text and its gold answer")
    wanted = {"data.problem_column": columns.problem, "data.answer_column": columns.answer}
    missing = {key: column for key, column in wanted.items() if column not in columns.met}
    if not missing:
        return
    there = list(dict.fromkeys([*_nested_names(source, head), *columns.names]))
    lines = [f"{source.name}: has no column {column!r} ({key})." for key, column in missing.items()]
    flags = " ".join(setting(key, _nearest(key, column, there)) for key, column in missing.items())
    inner = _name_of_rows(head) if len(missing) == len(wanted) else None
    hint = f"name them: `{flags}`" if inner is None else f"the rows lie in {inner!r}: write that list alone into a file"
    raise DataError("\n".join([*lines, f"Its columns are: {', '.join(there)}."]), hint=hint)


def answer_columns(head: Sequence[SourceRow], columns: Columns) -> list[str]:
    """Return the other columns whose names and first values are those of gold answers."""
    usual = [*_LIKELY_NAMES["data.answer_column"], *_USUAL_NAMES["data.answer_column"]]
    others = [name for name in usual if name not in (columns.answer, columns.problem)]
    return [
        name
        for name in others
        if sum(reads_as_value(value_at(row.fields, name)) for row in head) >= _HEAD_SHARE * len(head)
    ]


def _name_of_rows(head: Sequence[SourceRow]) -> str | None:
    """Return the name under which a file that is one object holds a list of objects."""
    fields = head[0].fields if len(head) == 1 else {}
    lists = (name for name, value in fields.items() if isinstance(value, list) and value)
    return next((name for name in lists if all(isinstance(each, Mapping) for each in fields[name])), None)


def _named(data: DataConfig) -> dict[str, str]:
    return {"data.problem_column": data.problem_column, "data.answer_column": data.answer_column}


def _has(fields: Mapping[str, Any], name: str) -> bool:
    if name in fields:
        return True
    outer, _, inner = name.partition(".")
    nested = fields.get(outer)
    return bool(inner) and isinstance(nested, Mapping) and _has(nested, inner)


def _nested_names(source: Source, head: Sequence[SourceRow]) -> list[str]:
    """Return the columns, and behind each that holds maps the names in it."""
    columns = dict.fromkeys([*source.columns, *(str(column) for row in head for column in row.fields)])
    names: dict[str, None] = {}
    for column in columns:
        names[column] = None
        for row in head:
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
    found = [*alike, *(name for name in (*_USUAL_NAMES[key], *_LIKELY_NAMES[key]) if name in by_lower)]
    return by_lower[found[0]] if found else "NAME"
