"""Where in its column a gold answer stands: the whole text, behind GSM8K's ####, or in the last box."""

import re
from collections.abc import Iterable
from typing import Any, Literal

from leanrl.grading.text.boxes import find_boxes

GoldPlace = Literal["answer", "boxed", "hashes"]
_HASHES = re.compile(r"####\s*(\S[^\n]*)\s*$")
# Texts that are worked solutions nearly all: a stray #### in one of many answers decides nothing.
_SHARE_OF_ROWS = 0.9
_WORD = re.compile(r"[A-Za-z]{2,}")
_MACRO = re.compile(r"\\[A-Za-z]+(?:\{[^{}]*\})?")
_WORDS_OF_A_SENTENCE = 4  # of a name such as New York City three, and with a number "The answer is 5."


def choose_place(asked: Literal["auto", "answer", "boxed", "hashes"], values: Iterable[Any]) -> GoldPlace:
    """Return where to read gold answers; auto takes what stands behind #### where nearly all texts have it.

    A box in a text needs no choice: the grader takes what it holds.
    """
    if asked != "auto":
        return asked
    texts = [value for value in values if isinstance(value, str)]
    with_hashes = sum(_HASHES.search(text) is not None for text in texts)
    return "hashes" if texts and with_hashes >= _SHARE_OF_ROWS * len(texts) else "answer"


def gold_text_at(place: GoldPlace, text: str) -> str | None:
    """Return the gold answer in a text, or None where that place is not in it.

    Thousands of GSM8K are written 1,080; the comma is no part of the number.
    """
    if place == "answer":
        return text.strip() or None
    if place == "hashes":
        found = _HASHES.search(text)
        return None if found is None else re.sub(r"(?<=\d),(?=\d{3}\b)", "", found[1].strip())
    boxes = find_boxes(text)
    return (boxes[-1].content.strip() or None) if boxes else None


def reads_as_sentence(text: str) -> bool:
    """Return whether a gold answer has the words of a sentence, which no boxed answer will repeat."""
    words = len(_WORD.findall(_MACRO.sub(" ", text))) + any(character.isdigit() for character in text)
    return not find_boxes(text) and words >= _WORDS_OF_A_SENTENCE
