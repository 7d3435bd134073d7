"""Whether the paper's code would have found an answer correct; runs in a child process only.

Its configuration and its order of arguments, kept on purpose: `verify(answer, gold)`, where math-verify wants the
gold answer first, and a strict reading of LaTeX that refuses \\frac12 and \\sqrt2.

Source: Open-RS (arXiv 2503.16219), src/open_r1/rewards.py, `accuracy_reward`, with math-verify 0.5.2.
"""

from functools import lru_cache
from typing import Any

from latex2sympy2_extended import NormalizationConfig
from math_verify import LatexExtractionConfig, parse, verify

from leanrl.types import Reason

_GOLD = (LatexExtractionConfig(),)
_ANSWER = (
    LatexExtractionConfig(
        boxed_match_priority=0,
        try_extract_without_anchor=False,
        normalization_config=NormalizationConfig(
            nits=False, malformed_operators=False, basic_latex=True, equations=True, boxed="all", units=True
        ),
    ),
)


def judge_as_run(gold: str, text: str) -> Reason:
    """Return the verdict of the paper's code on a text; both texts have at most one box (see `keep_last_box`)."""
    parsed_gold = _parse(gold, _GOLD)
    if not parsed_gold:
        return "unparseable_gold"
    parsed_answer = _parse(text, _ANSWER)
    if not parsed_answer:
        return "no_box"
    return "correct" if verify(parsed_answer, parsed_gold, timeout_seconds=None) else "wrong"


@lru_cache(maxsize=1024)
def _parse(text: str, configuration: tuple[LatexExtractionConfig, ...]) -> list[Any]:
    return list(parse(text, configuration, extraction_mode="first_match", parsing_timeout=None))
