"""maj@k: whether the answer that most of a problem's samples give is right."""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from leanrl.eval.scores.pass_at import Estimate
from leanrl.eval.scores.problem_scores import Floats
from leanrl.eval.scores.standard_errors import problem_se
from leanrl.eval.store.answers import AnswerRecord
from leanrl.grading.text.normalisation import normalise
from leanrl.grading.text.numbers import is_grouped

_NUM_RESAMPLES = 200
# Longer boxes hold no answer that two samples share, and normalising one takes long.
_MAX_BOX_CHARS = 400
_FRACTION = re.compile(r"(?P<sign>[-+]?)\\frac\{(?P<over>\d{1,30})\}\{(?P<under>\d{1,30})\}")
_NUMBER = re.compile(r"[-+]?(?:\d{1,30}/\d{1,30}|\d{1,30}(?:\.\d{1,30})?|\.\d{1,30})", re.ASCII)

AnswerKey = Callable[[str], str]


@dataclass(frozen=True)
class Votes:
    """The classes of equal answers of one problem: votes and fraction of right ones of each; votes without a box."""

    counts: tuple[int, ...]
    shares_right: tuple[float, ...]
    num_without_box: int


@lru_cache(maxsize=65_536)  # the samples of a problem repeat each other
def answer_key(answer: str) -> str:
    r"""Return the grader's one spelling of an answer; for a plain number or fraction, its value.

    `\frac12`, `1/2` and `0.5` have one key. No child process evaluates anything, so values that need algebra to be
    equal have different keys.
    """
    if len(answer) > _MAX_BOX_CHARS:
        return answer
    text = answer if _NUMBER.fullmatch(answer) else "".join(normalise(answer).split())
    if is_grouped(text):  # the grader leaves it open whether this is a list
        text = text.replace(",", "")
    plain = _FRACTION.sub(r"\g<sign>\g<over>/\g<under>", text) if _FRACTION.fullmatch(text) else text
    try:
        return str(Fraction(plain)) if _NUMBER.fullmatch(plain) else text
    except ZeroDivisionError:
        return text


def votes_of(answers: Sequence[AnswerRecord], key: AnswerKey = answer_key) -> Votes:
    """Return the classes of equal answers among the samples of one problem.

    Right and wrong answers are put together by the same key. The verdict decides nothing there: if it did, right
    answers in several spellings would be one class and wrong ones many.
    """
    verdicts: defaultdict[str, list[bool]] = defaultdict(list)
    for answer in answers:
        if answer.answer is not None:
            verdicts[key(answer.answer)].append(answer.is_correct)
    return Votes(
        tuple(len(found) for found in verdicts.values()),
        tuple(sum(found) / len(found) for found in verdicts.values()),
        sum(answer.answer is None for answer in answers),
    )


def majority_score(votes: Votes) -> float:
    """Return 1 where the most frequent answer is right, 0 where it is wrong.

    A tie counts as a draw by lot among the most frequent answers: the score is the mean of theirs, so that no order
    of samples decides. A completion without a box has no vote; a problem without any box scores 0. Where one class has
    both verdicts, it counts as the fraction of right ones.
    """
    if not votes.counts:
        return 0.0
    most = max(votes.counts)
    return float(
        np.mean([right for count, right in zip(votes.counts, votes.shares_right, strict=True) if count == most])
    )


def majority(votes_N: Sequence[Votes], *, seed: int = 0) -> Estimate:
    """Return maj@k over N problems.

    The sampling error draws the samples of each problem anew from those that it has, 200 times, with a fixed seed.
    """
    values = np.array([majority_score(votes) for votes in votes_N])
    return Estimate(float(values.mean()), _sampling_se(votes_N, np.random.default_rng(seed)), problem_se(values))


def _sampling_se(votes_N: Sequence[Votes], random: np.random.Generator) -> float | None:
    if any(sum(votes.counts) + votes.num_without_box < 2 for votes in votes_N):
        return None
    variances = [float(np.var(_resampled(votes, random))) for votes in votes_N]
    return math.sqrt(sum(variances)) / len(votes_N)


def _resampled(votes: Votes, random: np.random.Generator) -> Floats:
    """Return the majority's score of each resample of one problem's votes."""
    counts = np.array([*votes.counts, votes.num_without_box])
    if np.count_nonzero(counts) == 1:
        return np.array([majority_score(votes)])
    num_votes = int(counts.sum())
    drawn = random.multinomial(num_votes, counts / num_votes, size=_NUM_RESAMPLES)[:, :-1]
    most = drawn.max(axis=1, keepdims=True)
    wins = (drawn == most) & (most > 0)
    rights = wins @ np.array(votes.shares_right)
    return np.asarray(rights / np.maximum(wins.sum(axis=1), 1), dtype=np.float64)
