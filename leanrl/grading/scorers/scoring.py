"""What a child process does with an answer that a scorer judges: it may hang or swell, as a parser may."""

import re
from contextlib import suppress

from leanrl.grading.scorers.gold import ScoredGold, read_scored
from leanrl.types import Reason

_TEXT = re.compile(r"\\(?:text|mathrm|textbf|mathbf|texttt)\s*\{(?P<text>[^{}]*)\}")
_FULL = 1.0  # scorers give a part of it for an answer that is merely alike, or long


def prepare() -> None:
    """Import the scorers, which takes most of a second, before the clock of an answer runs."""
    with suppress(ImportError):
        import reasoning_gym  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: F401


def judge_scored(gold: str, answer: str | None) -> Reason:
    """Return `correct` for an answer with the full score; without an answer, whether the gold's scorer can be had.

    The answer is taken as it stands in its box, and without a \\text{} around it.
    """
    scored = read_scored(gold)
    if scored is None:
        return "unparseable_gold"
    if answer is None:
        return "correct" if _has_scorer(scored) else "unparseable_gold"
    unwrapped = _TEXT.fullmatch(answer.strip())
    spellings = dict.fromkeys([answer.strip(), *([unwrapped["text"].strip()] if unwrapped else [])])
    return "correct" if any(_score(scored, text) >= _FULL for text in spellings) else "wrong"


def _score(scored: ScoredGold, answer: str) -> float:
    import reasoning_gym

    return float(reasoning_gym.get_score_answer_fn(scored.name)(answer, dict(scored.entry)))


def _has_scorer(scored: ScoredGold) -> bool:
    try:
        import reasoning_gym

        reasoning_gym.get_score_answer_fn(scored.name)
    except (ImportError, ValueError, KeyError):
        return False
    return True
