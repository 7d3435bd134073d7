"""Whether the graders of published numbers would have found an answer correct; runs in a child process only.

math-verify reads the whole completion: formulas and plain numbers, boxes first, any of what it finds; numbers count as
equal to five decimals. These are the values of lighteval's extractive match, by which the paper's tables were made.

An option letter is read as math-verify reads literal letters: in a box, behind "answer", or alone, the last one first.

Source: Open-RS (arXiv 2503.16219), src/open_r1/evaluate.py, and lighteval, metrics/dynamic_metrics.py
(multilingual_extractive_match_metric).
"""

from functools import lru_cache
from typing import Any

from math_verify import ExprExtractionConfig, LatexExtractionConfig, StringExtractionConfig, parse, verify

from leanrl.types import Reason

_DECIMALS = 5
_GOLD = (LatexExtractionConfig(), ExprExtractionConfig())
_ANSWER = (ExprExtractionConfig(), LatexExtractionConfig(boxed_match_priority=0))
# A to D; as letters, since a formula's symbol is upper case.
_LETTER = StringExtractionConfig(lowercase=False)
_ANSWER_LETTER = (_LETTER, LatexExtractionConfig(boxed_match_priority=0))


def judge_published(gold: str, text: str | None) -> Reason:
    """Return the verdict on a whole completion, or without one whether the gold answer can be read."""
    return _judge(_parse_gold(gold), text, _ANSWER)


def judge_published_letter(gold: str, text: str | None) -> Reason:
    """Return the verdict on a whole completion whose gold answer is the letter of an option."""
    return _judge(_parsed(gold.strip(), (_LETTER,)), text, _ANSWER_LETTER)


def _judge(parsed_gold: list[Any], text: str | None, kinds: tuple[Any, ...]) -> Reason:
    if not parsed_gold:
        return "unparseable_gold"
    if text is None:
        return "correct"
    parsed_answer = _parsed(text, kinds)
    if not parsed_answer:
        return "no_box"
    is_equal = verify(parsed_gold, parsed_answer, float_rounding=_DECIMALS, timeout_seconds=None)
    return "correct" if is_equal else "wrong"


@lru_cache(maxsize=1024)
def _parse_gold(gold: str) -> list[Any]:
    """Return what a gold answer means: as it stands, which has its own signs of a formula, or as one."""
    as_formula = gold if "$" in gold or "boxed" in gold else f"${gold}$"
    return _parsed(as_formula, _GOLD)


def _parsed(text: str, kinds: tuple[Any, ...]) -> list[Any]:
    return list(parse(text, kinds, fallback_mode="first_match", extraction_mode="any_match", parsing_timeout=None))
