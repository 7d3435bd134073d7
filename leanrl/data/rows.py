"""One row: checked, its gold answer made text, its id fixed, its prompt built."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from leanrl.config.sections.data import DataConfig, WorkedExample
from leanrl.data.choices import lettered
from leanrl.data.columns import Columns, value_at
from leanrl.data.conversations import Asked, NotAsked, read_asked
from leanrl.data.golds.answer import Gold, GoldPlace, NoGold, read_value
from leanrl.data.prompts import PromptTemplate, build_prompt
from leanrl.data.sources import SourceRow
from leanrl.data.values import HALF_A_PAIR, is_unicode, plain
from leanrl.types import DroppedRow, GoldList, Message, Row

ID_COLUMN = "id"


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """What became of a row: its problem ready to be asked, or the reason why it cannot be used."""

    outcome: Row | DroppedRow
    gold: Gold | NoGold | None = None
    asked: Asked | None = None


def read_row(
    fields: Mapping[str, Any],
    columns: Columns,
    *,
    place: GoldPlace,
    accept: Literal["any", "all"] = "any",
    keeps_prose: bool = False,
) -> tuple[Asked | NotAsked, Gold | NoGold]:
    """Return what a row asks and its gold answer: the one reading for training, evaluations and curation."""
    fields = lettered(fields, columns)
    asked = read_asked(value_at(fields, columns.problem))
    gold = read_value(value_at(fields, columns.answer), place=place, accept=accept, keeps_prose=keeps_prose)
    return asked, gold


def check_row(found: SourceRow, data: DataConfig, columns: Columns) -> CheckedRow:
    """Return the row with its prompt, or the reason why it cannot be used."""
    asked, gold = read_row(
        found.fields,
        columns,
        place=data.gold_from,
        accept=data.accept,
        keeps_prose=data.unparseable_gold == "keep",
    )
    if isinstance(asked, NotAsked):
        return CheckedRow(DroppedRow(found.where, f"{asked.reason} (column {columns.problem!r})"))
    if isinstance(gold, NoGold):
        return CheckedRow(DroppedRow(found.where, f"{gold.reason} (column {columns.answer!r})"), gold, asked)
    if not (is_unicode(asked.text) and is_unicode(str(gold.answer))):
        return CheckedRow(DroppedRow(found.where, HALF_A_PAIR), gold, asked)
    return CheckedRow(build_row(asked, gold.answer, data, given_id=found.fields.get(ID_COLUMN)), gold, asked)


def build_row(asked: Asked, gold: str | GoldList, data: DataConfig, *, given_id: Any = None) -> Row:
    """Return the row; equal texts get equal ids, in every run and whatever else the file holds.

    A system message of the config takes the place of the row's own.
    """
    system_prompt = asked.system if data.system_prompt is None else data.system_prompt
    form = _shared_template(data.prompt_template, system_prompt, tuple(data.examples))
    asked_by = _with_earlier_turns(asked, form) if asked.earlier else form
    return Row(id=own_id(given_id) or id_of(asked.text), problem=asked.text, gold=gold, asked_by=asked_by)


def own_id(given: Any) -> str | None:
    """Return the id that a row brings along, or None where it has none that names it."""
    given = plain(given)
    return str(given) if isinstance(given, str | int) and str(given).strip() else None


@lru_cache
def _shared_template(template: str, system_prompt: str | None, examples: tuple[WorkedExample, ...]) -> PromptTemplate:
    """Return one object for all rows that are asked alike."""
    return PromptTemplate(template, system_prompt, examples)


def _with_earlier_turns(asked: Asked, form: PromptTemplate) -> list[Message]:
    return build_prompt(
        asked.question,
        template=form.template,
        system_prompt=form.system_prompt,
        examples=form.examples,
        earlier=asked.earlier,
    )


def id_of(problem: str) -> str:
    """Return the id of a problem that was given none."""
    return hashlib.sha256(problem.encode("utf-8", "surrogatepass")).hexdigest()[:16]
