"""Whether an answer equals a gold answer, by math-verify; runs in a child process only."""

from functools import lru_cache
from typing import Any

from latex2sympy2_extended import NormalizationConfig
from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify

from leanrl.grading.normalisation import normalise
from leanrl.types import Reason

_EXTRACTION = (
    LatexExtractionConfig(
        boxed_match_priority=0,
        normalization_config=NormalizationConfig(
            basic_latex=True, units=True, malformed_operators=True, nits=True, boxed="last", equations=False
        ),
    ),
    ExprExtractionConfig(),
)


def judge(gold: str, answer: str) -> Reason:
    """Return whether the answer equals the gold answer, or which of them cannot be read."""
    parsed_gold = _parse(normalise(gold))
    if not parsed_gold:
        return "unparseable_gold"
    parsed_answer = _parse(normalise(answer))
    if not parsed_answer:
        return "unparseable_answer"
    equal = verify(parsed_gold, parsed_answer, allow_set_relation_comp=True, timeout_seconds=None)
    return "correct" if equal else "wrong"


@lru_cache(maxsize=1024)
def _parse(text: str) -> list[Any]:
    r"""Return what math-verify reads in a text; the \boxed makes it read all of it."""
    return list(parse(rf"\boxed{{{text}}}", _EXTRACTION, parsing_timeout=None)) if text else []
