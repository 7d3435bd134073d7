"""Verdicts of math-verify by the rules of other programs; runs in a child process only.

as run: the code of the paper's runs, its order of arguments kept on purpose: `verify(answer, gold)`, where math-verify
wants the gold answer first, and a strict reading of LaTeX that refuses \\frac12 and \\sqrt2.
Source: Open-RS (arXiv 2503.16219), src/open_r1/rewards.py, `accuracy_reward`, with math-verify 0.5.2.

published: lighteval's extractive match, by which the paper's tables were made. It reads the whole completion: formulas
and plain numbers, boxes first, any of what it finds; numbers count as equal to five decimals.
An option letter is read as math-verify reads literal letters: in a box, behind "answer", or alone, the last one first.
Source: Open-RS, src/open_r1/evaluate.py, and lighteval, metrics/dynamic_metrics.py
(multilingual_extractive_match_metric).
"""

from functools import lru_cache
from typing import Any

from latex2sympy2_extended import NormalizationConfig
from math_verify import ExprExtractionConfig, LatexExtractionConfig, StringExtractionConfig, parse, verify

from leanrl.types import Reason

_AS_RUN = LatexExtractionConfig(
    boxed_match_priority=0,
    try_extract_without_anchor=False,
    normalization_config=NormalizationConfig(
        nits=False, malformed_operators=False, basic_latex=True, equations=True, boxed="all", units=True
    ),
)
_DECIMALS = 5
_GOLD = (LatexExtractionConfig(), ExprExtractionConfig())
_ANSWER = (ExprExtractionConfig(), LatexExtractionConfig(boxed_match_priority=0))
# A to D; as letters, since a formula's symbol is upper case.
_LETTER = StringExtractionConfig(lowercase=False)
_ANSWER_LETTER = (_LETTER, LatexExtractionConfig(boxed_match_priority=0))


def judge_as_run(gold: str, text: str) -> Reason:
    """Return the verdict of the paper's code on a text; both texts have at most one box (see `keep_last_boxes`)."""
    parsed_gold = _parse(gold, (LatexExtractionConfig(),), extraction_mode="first_match")
    if not parsed_gold:
        return "unparseable_gold"
    parsed_answer = _parse(text, (_AS_RUN,), extraction_mode="first_match")
    if not parsed_answer:
        return "no_box"
    return "correct" if verify(parsed_answer, parsed_gold, timeout_seconds=None) else "wrong"


def judge_published(gold: str, text: str | None) -> Reason:
    """Return lighteval's verdict on a whole completion, or without one whether the gold answer can be read."""
    as_formula = gold if "$" in gold or "boxed" in gold else f"${gold}$"
    return _judge_published(as_formula, _GOLD, text, _ANSWER)


def judge_published_letter(gold: str, text: str | None) -> Reason:
    """Return the verdict on a whole completion whose gold answer is the letter of an option."""
    return _judge_published(gold.strip(), (_LETTER,), text, _ANSWER_LETTER)


def _judge_published(gold: str, gold_kinds: tuple[Any, ...], text: str | None, kinds: tuple[Any, ...]) -> Reason:
    parsed_gold = _parse(gold, gold_kinds, fallback_mode="first_match", extraction_mode="any_match")
    if not parsed_gold:
        return "unparseable_gold"
    if text is None:
        return "correct"
    parsed_answer = _parse(text, kinds, fallback_mode="first_match", extraction_mode="any_match")
    if not parsed_answer:
        return "no_box"
    is_equal = verify(parsed_gold, parsed_answer, float_rounding=_DECIMALS, timeout_seconds=None)
    return "correct" if is_equal else "wrong"


@lru_cache(maxsize=256)
def _parse(text: str, kinds: tuple[Any, ...], **modes: Any) -> list[Any]:
    return list(parse(text, kinds, parsing_timeout=None, **modes))
