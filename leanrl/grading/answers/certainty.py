"""Answers that can be judged without a parser."""

from leanrl.grading.text.characters import squeeze
from leanrl.grading.text.numbers import are_same_number, read_number

_PERCENT = r"\%"


def certain_equality(gold: str, answer: str) -> bool | None:
    """Return whether two normalised texts are equal if that is beyond doubt, else None.

    The same text twice is equal, two plain numbers are equal or not. The rest is for a parser.
    """
    if squeeze(gold) == squeeze(answer):
        return True
    gold_number, answer_number = read_number(gold.removesuffix(_PERCENT)), read_number(answer.removesuffix(_PERCENT))
    if gold_number is None or answer_number is None:
        return None
    if are_same_number(gold_number, answer_number):
        return True
    if "," in gold or "," in answer:
        return None  # a number with thousands set apart, or a list
    # A percentage may be left to the question (10 for 10 %) or be written as its value (0.1): a parser's work.
    return None if gold.endswith(_PERCENT) or answer.endswith(_PERCENT) else False
