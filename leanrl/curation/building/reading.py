"""The rows of a source of a recipe, with a hash of what was read."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any

from leanrl.config.sections.data import DataConfig
from leanrl.curation.recipes.recipe import SourceConfig
from leanrl.curation.stages.stage import CuratedRow
from leanrl.data.columns import Columns, choose_columns, require_columns, value_at
from leanrl.data.conversations import Asked
from leanrl.data.files.paths import read_file_source
from leanrl.data.golds.answer import Gold
from leanrl.data.rows import ID_COLUMN, id_of, own_id, read_row
from leanrl.data.sources import Source, SourceRow, read_hub_source
from leanrl.data.tasks.gym import gym_rows, is_gym_task
from leanrl.data.tasks.making import make_rows
from leanrl.data.values import HALF_A_PAIR, is_unicode, plain
from leanrl.errors import DataError, MissingError
from leanrl.hints import quoted
from leanrl.types import GoldList

_HEAD_ROWS = 200
_NUMBERS = ("int", "float")
# A key of a run's config that a source has too, and no part of a file's name.
_KEYS_OF_DATA = re.compile(rf"(?<![\w./-])data\.({'|'.join(SourceConfig.model_fields)})\b")


@dataclass
class ReadSource:
    """What was read of a source: rows that ask something, those that do not with the reason, and a hash of all.

    `lines` say to a person how it was read.
    """

    rows: list[CuratedRow] = field(default_factory=list)
    unasked: list[tuple[CuratedRow, str]] = field(default_factory=list)
    sha256: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def num_rows(self) -> int:
        return len(self.rows) + len(self.unasked)


def read_source(name: str, source: SourceConfig, *, where: str, seed: int) -> ReadSource:
    """Return the rows of a source.

    Args:
        where: the dotted name of the source in its recipe, for messages.
        seed: of made tasks.

    Raises:
        DataError: if a file is broken, lacks a column, or a column holds values of several types; it names the place.
        MissingError: if the Hub cannot be reached.
    """
    read = ReadSource()
    digest = hashlib.sha256()
    types = _ColumnTypes(where)
    made = source.generator is not None
    found = _made(name, source, seed=seed) if made else _found(name, source, where, read.lines)
    for row, reason, at in found:
        turns = () if row.conversation is None else (row.conversation.turns,)
        content = (row.id, row.problem, row.answers, row.solution, row.columns, *turns)
        digest.update(json.dumps(content, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass"))
        digest.update(b"\n")
        types.check(row.columns, at)
        if reason is None:
            read.rows.append(row)
        else:
            read.unasked.append((row, reason))
    if not read.num_rows:
        raise DataError(f"{where}: holds no rows.", hint="one problem a line, with its text and its gold answer")
    read.sha256 = digest.hexdigest()
    return read


def _made(name: str, source: SourceConfig, *, seed: int) -> Iterator[tuple[CuratedRow, str | None, str]]:
    assert source.generator is not None, "a recipe is checked before it is read"
    assert source.num_rows is not None, "a recipe is checked before it is read"
    if is_gym_task(source.generator):
        made = gym_rows(source.generator, num_rows=source.num_rows, seed=seed, options=source.options)
    else:
        made = make_rows(source.generator, levels=source.levels, num_rows=source.num_rows, seed=seed)
    for number, each in enumerate(made, start=1):
        columns = {"level": each.level, "task": each.maker}
        yield (
            CuratedRow(each.id, each.task.problem, each.task.answers, None, name, number, columns),
            None,
            f"row {number}",
        )


def _found(
    name: str, source: SourceConfig, where: str, lines: list[str]
) -> Iterator[tuple[CuratedRow, str | None, str]]:
    """Yield each row, why it asks nothing, and its place; `lines` gets how columns and files are read."""
    data = DataConfig(
        problem_column=source.problem_column, answer_column=source.answer_column, gold_from=source.gold_from
    )
    opened = _opened(source, where)
    rows = iter(opened.rows)
    head = list(islice(rows, _HEAD_ROWS))
    columns = choose_columns(opened, head, data)
    lines += [f"{where}: {_in_keys(line, where)}" for line in (*opened.lines, *columns.lines)]
    seen: dict[str, int] = {}
    for number, each in enumerate(islice(chain(head, rows), source.num_rows), start=1):
        columns.meet(each.fields)
        row, reason = _read_row(each, columns, source, name, number)
        copies = seen[row.id] = seen.get(row.id, 0) + 1
        if copies > 1:
            row = replace(row, id=f"{row.id}#{copies}")
        yield row, reason, each.where
    _require_columns(opened, head, columns, source, where)


def _read_row(
    found: SourceRow, columns: Columns, source: SourceConfig, name: str, number: int
) -> tuple[CuratedRow, str | None]:
    asked, gold = read_row(found.fields, columns, place=source.gold_from)
    problem = asked.text if isinstance(asked, Asked) else ""
    answers, why = _answers(gold) if isinstance(gold, Gold) else ((), gold.reason)
    solution = None if source.solution_column is None else plain(value_at(found.fields, source.solution_column))
    own = own_id(found.fields.get(ID_COLUMN)) or id_of(problem or found.where)
    kept = {column: plain(value_at(found.fields, column)) for column in source.kept_columns}
    text = solution if isinstance(solution, str) else None
    row = CuratedRow(own, problem, answers, text, name, number, kept, why)
    if not isinstance(asked, Asked):
        return row, asked.reason
    if len(asked.turns) > 1:
        row = replace(row, conversation=asked)
    rest = json.dumps((asked.system, kept), ensure_ascii=False, default=str)
    texts = (own, problem, *answers, text or "", rest)
    return row, None if all(map(is_unicode, texts)) else HALF_A_PAIR


def _answers(gold: Gold) -> tuple[tuple[str, ...], str]:
    return (gold.answer.answers if isinstance(gold.answer, GoldList) else (gold.answer,)), ""


def _opened(source: SourceConfig, where: str) -> Source:
    try:
        if source.path is not None:
            return read_file_source(source.path, split=source.split)
        assert source.hub_id is not None, "a recipe is checked before it is read"
        return read_hub_source(
            source.hub_id,
            config=source.hub_config,
            revision=source.revision,
            split=source.split,
            wanted_columns=None,
        )
    except MissingError as error:
        raise MissingError(error.message, hint=_by_hand(source, where)) from error
    except DataError as error:
        raise _in_recipe(error, where) from error


def _by_hand(source: SourceConfig, where: str) -> str:
    """Return what to download on a machine with the Hub, and how to name it here."""
    assert source.hub_id is not None
    folder = source.hub_id.rpartition("/")[2]
    revision = f" --revision {quoted(source.revision)}" if source.revision else ""
    return (
        f"where the Hub can be reached: `hf download {quoted(source.hub_id)} --repo-type dataset{revision} --local-dir "
        f"{quoted(folder)}`; bring the folder here, and add `-s {where}.hub_id=null -s {where}.path={quoted(folder)}`"
    )


def _require_columns(opened: Source, head: list[SourceRow], columns: Columns, source: SourceConfig, where: str) -> None:
    try:
        require_columns(opened, head, columns)
    except DataError as error:
        raise _in_recipe(error, where) from error
    there = [*dict.fromkeys([*opened.columns, *columns.names])]
    wanted: dict[str, list[str | None]] = {
        "solution_column": [source.solution_column],
        "kept_columns": [*source.kept_columns],
    }
    missing = [
        f"{where}.{key}: there is no column {name!r}"
        for key, names in wanted.items()
        for name in names
        if name is not None and name.partition(".")[0] not in there and name not in there
    ]
    if missing:
        lines = "\n".join(f"  - {line}" for line in missing)
        raise DataError(
            f"{opened.name} lacks columns of the recipe.\n{lines}\nIts columns are: {', '.join(there)}.",
            hint=f"name one of them, or null: `-s {where}.solution_column=null`",
        )


def _in_recipe(error: DataError, where: str) -> DataError:
    """Return the error in the keys of the recipe."""
    return DataError(_in_keys(error.message, where), hint=error.hint and _in_keys(error.hint, where))


def _in_keys(text: str, where: str) -> str:
    return _KEYS_OF_DATA.sub(rf"{where}.\1", text)


class _ColumnTypes:
    """The type of each kept column, by its first value; a file of Parquet has one type in a column."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._types: dict[str, tuple[str, str]] = {}

    def check(self, columns: Mapping[str, Any], at: str) -> None:
        """Raise DataError naming both rows where a column holds values of two types."""
        for name, value in columns.items():
            if value is None:
                continue
            found = type(value).__name__
            kind = "number" if found in _NUMBERS else {"str": "text", "bool": "true or false"}.get(found, found)
            first, place = self._types.setdefault(name, (kind, at))
            if first != kind:
                raise DataError(
                    f"{self._where}: the column {name!r} holds a {first} ({place}) and a {kind} ({at}: {value!r:.40}).",
                    hint=f"write them alike, or leave the column out of {self._where}.kept_columns",
                )
