"""What a child process does with an answer that a scorer judges: it may hang or swell, as a parser may."""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from leanrl.grading.scorers.gold import read_scored
from leanrl.types import Reason

_TEXT = re.compile(r"\\(?:text|mathrm|textbf|mathbf|texttt)\s*\{(?P<text>[^{}]*)\}")
_FULL = 1.0  # scorers give a part of it for an answer that is merely alike, or long


def prepare() -> None:
    """Import the scorers, which takes most of a second, before the clock of an answer runs."""
    _scorer("")


def judge_scored(gold: str, answer: str | None) -> Reason:
    """Return `correct` for an answer with the full score; without an answer, whether the gold's scorer can be had.

    The answer is taken as it stands in its box, and without a \\text{} around it.
    """
    scored = read_scored(gold)
    score = None if scored is None else _scorer(scored.name)
    if scored is None or score is None:
        return "unparseable_gold"
    if answer is None:
        return "correct"
    unwrapped = _TEXT.fullmatch(answer.strip())
    spellings = dict.fromkeys([answer.strip(), *([unwrapped["text"].strip()] if unwrapped else [])])
    return "correct" if any(score(text, dict(scored.entry)) >= _FULL for text in spellings) else "wrong"


def _scorer(name: str) -> Callable[[str, dict[str, Any]], float] | None:
    with suppress(ImportError, ValueError, KeyError):
        import reasoning_gym  # type: ignore[import-not-found,import-untyped,unused-ignore]

        return cast(Callable[[str, dict[str, Any]], float], reasoning_gym.get_score_answer_fn(name))
    return None
