"""The answer in the text of a gold: datasets write it bare, in a box, behind ####, in a tag, or announced in words."""

import math
import numbers
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from leanrl.grading.tables import sentences
from leanrl.grading.text.extraction import TAGGED, find_answer
from leanrl.grading.text.numbers import join_at_commas, read_number

GoldRule = Literal["box", "tag", "hashes", "announced", "note", "text"]

_HASHES = re.compile(r"####[ \t]*(\S[^\n]*)\s*$")
_ANNOUNCEMENT = re.compile(sentences.ANNOUNCEMENT_OF_A_GOLD, re.IGNORECASE)
_CLOSING = re.compile(r"(?<!\s)\s*+(?:\.\s*+)?(?:I hope it is correct\.?\s*+)?$", re.IGNORECASE)
_MATHEMATICS = re.compile(r"[-+]?[\d$\\({\[|.]|[-+]?[A-Za-z](?![A-Za-z])|[-−√π∞£€¥]")
_WORD = re.compile(r"[^\W\d_]{2,}")
_WORDS_OF_A_NAME = 3  # New York City
_WORDS_OF_A_UNIT = 4  # 5 miles per hour
_REASON_FOLLOWS = re.compile(sentences.REASON_FOLLOWS, re.IGNORECASE)
# ASDiv writes 9 (apples): a number and, behind a space, the words for what is counted. Two letters may be a product.
_NOTED = re.compile(
    r"(?P<value>[-+]?[\d.,/%:]*\d%?)\s+"
    r"\((?:[^\W\d_]{3,}(?:[\s'-]+[^\W\d_]+){0,5}|[mck]m|[mk]?[gl]|[mc]l|ft|in|lb|oz|mi|yd|hr?s?)\)",
    re.IGNORECASE,
)
_ANNOUNCED_TAIL_CHARS = 600


@dataclass(frozen=True)
class GoldReading:
    """The answer in a gold's text, and the rule that found it; `text` is the rule of a bare answer."""

    text: str
    rule: GoldRule


def read_gold(text: str) -> GoldReading:
    """Return the answer in the text of a gold.

    The last box counts, then the last answer tag, what stands behind #### on the last line, what is announced at the
    end ("The answer is 42."), and a number before a note in brackets. A text without any of them is the answer itself.
    """
    text = text.strip()
    if read_number(text) is not None:
        return GoldReading(text, "text")
    for rule, find in _RULES:
        if answer := find(text):
            return GoldReading(answer, rule)
    return GoldReading(text, "text")


def behind_hashes(text: str) -> str | None:
    """Return what stands behind #### on the last line of a text; the comma of 1,080 is no part of the number."""
    hashes = _HASHES.search(text)
    return join_at_commas(_inner(hashes[1])) if hashes else None


def number_text(value: object) -> str | None:
    """Return a number as the text of a gold, without an exponent; None for what is no finite number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, numbers.Rational):
        return str(Fraction(value))
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else None
    if isinstance(value, numbers.Real) and math.isfinite(value):
        exact = Decimal(repr(float(value)))
        return str(int(exact)) if exact == exact.to_integral_value() else format(exact, "f")
    return None


def _tagged(text: str) -> str | None:
    tags = TAGGED.findall(text)
    return _inner(tags[-1]) if tags else None


def _inner(text: str) -> str:
    """Return the answer in what a mark sets apart; a mark may hold an announcement or a note."""
    text = text.strip()
    return _announced(text) or _without_notes(text) or text


def _announced(text: str) -> str | None:
    """Return the answer that the end of a text announces, or None where more than an answer follows."""
    tail = text[-_ANNOUNCED_TAIL_CHARS:]
    for announcement in reversed(list(_ANNOUNCEMENT.finditer(tail))):
        answer = _CLOSING.sub("", tail[announcement.end() :].strip()).strip().strip("*_`").strip()
        if answer and "\n" not in answer and _is_answer(answer):
            return answer
    return None


def _is_answer(text: str) -> bool:
    """Return whether a text is a value with at most a unit, or a name; not the beginning of a sentence."""
    num_words = len(_WORD.findall(re.sub(r"\\[A-Za-z]+|\$[^$]*\$", " ", text)))
    if text.lower().startswith(sentences.NO_ANSWERS) or _REASON_FOLLOWS.search(text):
        return False
    if _MATHEMATICS.match(text):
        return num_words <= _WORDS_OF_A_UNIT
    return num_words <= _WORDS_OF_A_NAME and not any(character.isdigit() for character in text)


def _without_notes(text: str) -> str | None:
    """Return the numbers of 9 (apples) or 3 (red); 4 (blue); None for a text of another form."""
    values = [_NOTED.fullmatch(part.strip()) for part in text.split(";")]
    found = [value["value"] for value in values if value is not None]
    return ", ".join(found) if len(found) == len(values) else None


_RULES: tuple[tuple[GoldRule, Callable[[str], str | None]], ...] = (
    ("box", lambda text: find_answer(text, "strict")),
    ("tag", _tagged),
    ("hashes", behind_hashes),
    ("announced", _announced),
    ("note", _without_notes),
)
