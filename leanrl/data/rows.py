"""One row: checked, its gold answer made text, its id fixed, its prompt built."""

import hashlib
from dataclasses import dataclass
from typing import Any

from leanrl.config.sections.data import DataConfig
from leanrl.data.columns import Columns, value_at
from leanrl.data.conversations import Asked, NotAsked, read_asked
from leanrl.data.golds.answer import Gold, NoGold, read_value
from leanrl.data.prompts import build_prompt
from leanrl.data.sources import SourceRow
from leanrl.data.values import plain
from leanrl.types import DroppedRow, GoldList, Row

ID_COLUMN = "id"


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """What became of a row: its problem ready to be asked, or the reason why it cannot be used."""

    outcome: Row | DroppedRow
    gold: Gold | NoGold | None = None
    asked: Asked | None = None


def check_row(found: SourceRow, data: DataConfig, columns: Columns) -> CheckedRow:
    """Return the row with its prompt, or the reason why it cannot be used."""
    asked = read_asked(value_at(found.fields, columns.problem))
    if isinstance(asked, NotAsked):
        return CheckedRow(DroppedRow(found.where, f"{asked.reason} (column {columns.problem!r})"))
    gold = read_value(
        value_at(found.fields, columns.answer),
        place=data.gold_from,
        accept=data.accept,
        keeps_prose=data.unparseable_gold == "keep",
    )
    if isinstance(gold, NoGold):
        return CheckedRow(DroppedRow(found.where, f"{gold.reason} (column {columns.answer!r})"), gold, asked)
    if not (_is_unicode(asked.text) and _is_unicode(str(gold.answer))):
        reason = "half a surrogate pair in the text, which no tokenizer can read"
        return CheckedRow(DroppedRow(found.where, reason), gold, asked)
    return CheckedRow(build_row(asked, gold.answer, data, given_id=found.fields.get(ID_COLUMN)), gold, asked)


def build_row(asked: Asked, gold: str | GoldList, data: DataConfig, *, given_id: Any = None) -> Row:
    """Return the row; equal texts get equal ids, in every run and whatever else the file holds.

    A system message of the config takes the place of the row's own.
    """
    given_id = plain(given_id)
    has_id = isinstance(given_id, str | int) and str(given_id).strip() != ""
    prompt = build_prompt(
        asked.question,
        template=data.prompt_template,
        system_prompt=asked.system if data.system_prompt is None else data.system_prompt,
        examples=data.examples,
        earlier=asked.earlier,
    )
    return Row(id=str(given_id) if has_id else id_of(asked.text), problem=asked.text, gold=gold, prompt=prompt)


def id_of(problem: str) -> str:
    """Return the id of a problem that was given none."""
    return hashlib.sha256(problem.encode()).hexdigest()[:16]


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
