"""One row: checked, its gold answer made text, its id fixed, its prompt built."""

import hashlib
import math
import numbers
from decimal import Decimal
from typing import Any

from leanrl.config.schema import DataConfig
from leanrl.data.prompts import build_prompt
from leanrl.data.sources import SourceRow
from leanrl.types import DroppedRow, GoldList, Row

ID_COLUMN = "id"


def check_row(found: SourceRow, data: DataConfig) -> Row | DroppedRow:
    """Return the row with its prompt, or the reason why it cannot be used."""
    problem = found.fields.get(data.problem_column)
    if not isinstance(problem, str) or not problem.strip():
        what = "no problem" if problem in (None, "") else f"no problem in text, but {problem!r:.40}"
        return DroppedRow(found.where, f"{what} (column {data.problem_column!r})")
    gold = _gold(found.fields.get(data.answer_column), data)
    if gold is None:
        value = found.fields.get(data.answer_column)
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


def _gold(value: Any, data: DataConfig) -> str | GoldList | None:
    """Return one gold answer, or the list of several; None where there is none, or one of the list is none."""
    if not isinstance(value, list | tuple):
        return _gold_text(value)
    texts = [_gold_text(each) for each in value]
    answers = tuple(text for text in texts if text is not None)
    if not answers or len(answers) < len(texts):
        return None
    return answers[0] if len(answers) == 1 else GoldList(answers, data.accept)


def _gold_text(value: Any) -> str | None:
    """Return a gold answer as text, or None where there is none; numbers are written without an exponent."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool):
        return None
    if isinstance(value, numbers.Integral):
        return str(int(value))
    if isinstance(value, numbers.Real) and math.isfinite(value):
        return format(Decimal(repr(float(value))), "f")
    return None


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
