"""A length reward against the right completions that the same problem has had before."""

from collections.abc import Sequence
from math import cos, pi
from typing import Literal

from leanrl.config.sections.field_types import Fraction
from leanrl.rewards.verdict import require_verdict
from leanrl.types import Ledger, Sample

# What a right completion loses at most, of a length weight of 1: less than the 1 that being right is worth.
_LEAST_FOR_RIGHT = -0.7


def hapo(
    samples: Sequence[Sample],
    *,
    prompt_id: str,
    ledger: Ledger,
    length_weight: Fraction = 1.0,
    history: Literal["shortest", "mean"] = "shortest",
) -> list[float]:
    """Return 1 for a right completion plus a length term: more for those shorter than the right ones before.

    q = cos(pi/2 * L / h) where L < 2 h, else -1; the term is length_weight * max(-0.7, q) for a right completion and
    length_weight * min(0, q) for a wrong one, so that a short wrong one loses nothing and earns nothing.

    L is the number of tokens, h the shortest length of a right completion of this problem in earlier steps. Before the
    first one there is no term. It needs at least two epochs. A completion that is right by luck and short fixes h for
    ever: `mean` forgives that.

    Rewards can be negative, so `max_rl` does not go with it. The repetition penalty of the paper is the reward
    `repetition`.

    Args:
        length_weight: of the term; up to 1 a right completion earns more than any wrong one.
        history: whether h is the shortest or the mean length of earlier right completions.

    Source: HAPO, arXiv 2505.11225. Its code counts the tokens of the decoded text; we count the sampled ones.
    """
    target = _target_tokens(prompt_id, ledger, history)
    return [_score(sample, target, length_weight) for sample in samples]


def _target_tokens(prompt_id: str, ledger: Ledger, history: str) -> float | None:
    lengths = [
        length
        for visit in ledger.visits(prompt_id)
        for length, is_correct in zip(visit.lengths_G, visit.correct_G, strict=True)
        if is_correct and length > 0
    ]
    if not lengths:
        return None
    return min(lengths) if history == "shortest" else sum(lengths) / len(lengths)


def _score(sample: Sample, target: float | None, length_weight: float) -> float:
    is_correct = require_verdict(sample).correct
    if target is None:
        return float(is_correct)
    closeness = cos(pi / 2 * sample.num_tokens / target) if sample.num_tokens < 2 * target else -1.0
    term = max(_LEAST_FOR_RIGHT, closeness) if is_correct else min(0.0, closeness)
    return float(is_correct) + length_weight * term
