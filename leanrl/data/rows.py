"""One row: checked, its gold answer made text, its id fixed, its prompt built."""

import hashlib
import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from leanrl.config.schema import DataConfig
from leanrl.data.columns import value_at
from leanrl.data.golds import GoldPlace, gold_text_at
from leanrl.data.prompts import build_prompt
from leanrl.data.sources import SourceRow
from leanrl.types import DroppedRow, GoldList, Row

ID_COLUMN = "id"
_PLACES = {"hashes": "behind ####", "boxed": "in a box"}


def check_row(found: SourceRow, data: DataConfig, place: GoldPlace = "answer") -> Row | DroppedRow:
    """Return the row with its prompt, or the reason why it cannot be used; `place` is where its gold answer stands."""
    problem = _problem(value_at(found.fields, data.problem_column))
    if isinstance(problem, DroppedTurns):
        return DroppedRow(found.where, f"{problem.reason} (column {data.problem_column!r})")
    if not isinstance(problem, str) or not problem.strip():
        what = "no problem" if problem in (None, "") else f"no problem in text, but {problem!r:.40}"
        return DroppedRow(found.where, f"{what} (column {data.problem_column!r})")
    value = value_at(found.fields, data.answer_column)
    gold = _gold(value, data, place)
    if gold is None and place != "answer" and isinstance(value, str) and value.strip():
        return DroppedRow(
            found.where, f"no gold answer {_PLACES[place]} of {value!r:.60} (column {data.answer_column!r})"
        )
    if gold is None:
        what = "no gold answer" if value in (None, "") else f"no gold answer in text or a number, but {value!r:.40}"
        return DroppedRow(found.where, f"{what} (column {data.answer_column!r})")
    if not (_is_unicode(problem) and _is_unicode(str(gold))):
        return DroppedRow(found.where, "half a surrogate pair in the text, which no tokenizer can read")
    return build_row(problem, gold, data, given_id=found.fields.get(ID_COLUMN))


def build_row(problem: str, gold: str | GoldList, data: DataConfig, *, given_id: Any = None) -> Row:
    """Return the row; equal texts get equal ids, in every run and whatever else the file holds."""
    has_id = isinstance(given_id, str | int) and str(given_id).strip() != ""
    row_id = str(given_id) if has_id else hashlib.sha256(problem.encode()).hexdigest()[:16]
    prompt = build_prompt(
        problem, template=data.prompt_template, system_prompt=data.system_prompt, examples=data.examples
    )
    return Row(id=row_id, problem=problem, gold=gold, prompt=prompt)


@dataclass(frozen=True)
class DroppedTurns:
    """A conversation in place of a problem that is more than one question."""

    reason: str


def _problem(value: Any) -> Any:
    """Return a problem as text; of a conversation of one user message, as verl's data sets have it, that message."""
    if not isinstance(value, list) or not value or not all(isinstance(turn, Mapping) for turn in value):
        return value
    roles = [str(turn.get("role")) for turn in value]
    if roles != ["user"]:
        return DroppedTurns(
            f"a conversation of {', '.join(roles)}: leanrl asks one user message, and takes a system message "
            "from data.system_prompt"
        )
    return value[0].get("content")


def _gold(value: Any, data: DataConfig, place: GoldPlace) -> str | GoldList | None:
    """Return one gold answer, or the list of several; None where there is none, or one of the list is none."""
    if not isinstance(value, list | tuple):
        return _gold_text(value, place)
    texts = [_gold_text(each, place) for each in value]
    answers = tuple(text for text in texts if text is not None)
    if not answers or len(answers) < len(texts):
        return None
    return answers[0] if len(answers) == 1 else GoldList(answers, data.accept)


def _gold_text(value: Any, place: GoldPlace) -> str | None:
    """Return a gold answer as text, or None where there is none; numbers are written without an exponent."""
    if isinstance(value, str):
        return gold_text_at(place, value)
    if isinstance(value, bool):
        return None
    if isinstance(value, numbers.Integral):
        return str(int(value))
    if isinstance(value, numbers.Real) and math.isfinite(value):
        return format(Decimal(repr(float(value))), "f")
    return None


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
