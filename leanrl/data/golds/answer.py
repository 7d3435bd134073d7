"""The gold answer of a row: read from its column's value, or the reason why it is none."""

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from leanrl.data.conversations import last_assistant_text
from leanrl.data.values import plain
from leanrl.grading.scorers.gold import is_scored
from leanrl.grading.text.boxes import find_boxes
from leanrl.grading.text.golds import GoldReading, GoldRule, behind_hashes, number_text, read_gold
from leanrl.types import GoldList

GoldPlace = Literal["auto", "answer", "boxed", "hashes"]
_PLACES = {"hashes": "behind ####", "boxed": "in a box"}
# What programs write for a value that is missing.
# NuminaMath writes the last two where a solution has no final answer.
_MISSING = frozenset(("nan", "none", "null", "n/a", "<na>", "nat", "notfound", "proof"))
_WRITTEN_DICT = re.compile(r"\{\s*['\"]\w+['\"]\s*:")
_WORD = re.compile(r"[^\W\d_]{2,}")
_CJK = re.compile(r"[぀-ヿ一-鿿]")
_CJK_CHARACTERS_OF_A_WORD = 2
_FORMULA = re.compile(r"\$[^$]*\$|\\[A-Za-z]+(?:\{[^{}]*\})?")
_VERB = re.compile(r"\b(?:is|are|was|were|has|have|had|takes?|gives?|equals|can|must|will|there)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[^\W_]{2,}[.!?]$")
_WORDS_OF_PROSE, _WORDS_WITH_VERB, _WORDS_WITH_STOP = 8, 5, 3
# Words that are answers of a closed kind, which a completion can be expected to write alike.
_ANSWER_WORDS = frozenset(
    (
        "yes",
        "no",
        "true",
        "false",
        "even",
        "odd",
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    )
)


@dataclass(frozen=True)
class Gold:
    """A gold answer, and the rule that found it in the value."""

    answer: str | GoldList
    rule: GoldRule = "text"


@dataclass(frozen=True)
class NoGold:
    """Why a value is no gold answer; `is_prose` where it is a text that no answer will repeat."""

    reason: str
    is_prose: bool = False


def read_value(value: Any, *, place: GoldPlace, accept: Literal["any", "all"], keeps_prose: bool) -> Gold | NoGold:
    """Return the gold answer of a value: a text, a number, or a list of them of which none is missing."""
    value = plain(value)
    solution = last_assistant_text(value)
    value = value if solution is None else solution
    value = _written_list(value) or value
    if not isinstance(value, list):
        return _read_one(value, place, keeps_prose=keeps_prose)
    read = [_read_one(each, place, keeps_prose=keeps_prose) for each in value]
    wrong = next((each for each in read if isinstance(each, NoGold)), None)
    if wrong is not None or not read:
        return NoGold(f"no gold answer in text or a number, but {value!r:.40}", wrong is not None and wrong.is_prose)
    golds = [each for each in read if isinstance(each, Gold)]
    if len(golds) == 1:
        return golds[0]
    return Gold(GoldList(tuple(str(gold.answer) for gold in golds), accept), golds[0].rule)


def is_words(gold: str | GoldList) -> bool:
    """Return whether a gold answer is words: a name or a note without any mathematics, or prose."""
    if is_scored(gold):
        return False
    texts = [read_gold(text).text for text in (gold.answers if isinstance(gold, GoldList) else (gold,))]
    return all(_is_words(text) or is_prose(text) for text in texts)


def is_prose(text: str) -> bool:
    """Return whether a text is a sentence or longer, which no boxed answer will repeat."""
    bare = _FORMULA.sub(" ", text)
    num_words = len(_WORD.findall(bare)) + len(_CJK.findall(bare)) // _CJK_CHARACTERS_OF_A_WORD
    if num_words >= _WORDS_OF_PROSE or (num_words >= _WORDS_WITH_VERB and (_VERB.search(bare) or "=" in bare)):
        return True
    ends = _SENTENCE_END.search(text.strip()) or (text.strip().endswith(".") and _VERB.search(bare))
    return bool(ends) and num_words >= _WORDS_WITH_STOP


def _written_list(value: Any) -> list[str] | None:
    """Return the texts of a JSON list that is written as one text, as Skywork-OR1 has its golds; None for another."""
    try:
        found = json.loads(value) if isinstance(value, str) and value.lstrip().startswith('["') else None
    except (ValueError, RecursionError):
        return None
    return found if found and all(isinstance(each, str) for each in found) else None


def _read_one(value: Any, place: GoldPlace, *, keeps_prose: bool) -> Gold | NoGold:
    if value is None or value == "":
        return NoGold("no gold answer")
    if isinstance(value, str):
        return _read_text(value, place, keeps_prose=keeps_prose)
    text = number_text(value)
    return NoGold(f"no gold answer in text or a number, but {value!r:.40}") if text is None else Gold(text)


def _read_text(text: str, place: GoldPlace, *, keeps_prose: bool) -> Gold | NoGold:
    stripped = text.strip()
    if not stripped:
        return NoGold(f"no gold answer in text or a number, but {text!r:.40}")
    if stripped.lower() in _MISSING:
        return NoGold(f"no gold answer, but {stripped!r}, which stands for a missing value")
    if is_scored(stripped):
        return Gold(stripped)
    if _WRITTEN_DICT.match(stripped):
        return NoGold(f"no gold answer, but a dict written as text: {stripped!r:.60}")
    reading = _reading(stripped, place)
    if reading is None:
        return NoGold(f"no gold answer {_PLACES[place]} of {stripped!r:.60}")
    if reading.rule == "text" and not keeps_prose and is_prose(reading.text):
        return NoGold(f"the gold answer is prose that no answer can match: {stripped!r:.80}", is_prose=True)
    # The paper's own grader looks into the whole text for its box.
    return Gold(stripped if reading.rule == "box" and place == "auto" else reading.text, reading.rule)


def _reading(text: str, place: GoldPlace) -> GoldReading | None:
    """Return the answer where the config says that it stands, or None where that place is not in the text."""
    if place == "answer":
        return GoldReading(text, "text")
    if place == "boxed":
        boxes = find_boxes(text)
        return GoldReading(boxes[-1].content.strip(), "box") if boxes and boxes[-1].content.strip() else None
    if place == "hashes":
        hashes = behind_hashes(text)
        return GoldReading(hashes, "hashes") if hashes else None
    return read_gold(text)


def _is_words(text: str) -> bool:
    bare = _FORMULA.sub(" ", text)
    words = [word.lower() for word in _WORD.findall(bare)]
    if not words or all(word in _ANSWER_WORDS for word in words):
        return False
    return bare.strip() == text.strip() and not any(character.isdigit() for character in text)


def reads_as_value(value: Any) -> bool:
    """Return whether a value is a gold answer that is more than words."""
    gold = read_value(value, place="auto", accept="any", keeps_prose=False)
    return isinstance(gold, Gold) and not is_words(gold.answer)
