"""What an evaluation during training comes to: a score with its interval, paired with step 0."""

from typing import Any

from leanrl.eval.compare.difference import paired_difference
from leanrl.eval.scores.intervals import score_interval
from leanrl.eval.scores.problem_scores import ProblemScores, shares_of

_NAME = "heldout"


def evaluation_record(step: int, scores: ProblemScores, *, base: ProblemScores | None, seed: int) -> dict[str, Any]:
    """Return an evaluation as it stands in evaluations.jsonl: shares in 0..1, 95 % intervals.

    `problems` has the counts of each problem, from which all other numbers can be computed again. `lower_bound` is what
    checkpoints are chosen by: that of the difference to step 0, or of the score where step 0 is missing. Step 0 has
    none.

    Args:
        base: the counts of step 0; None where it is missing, or is what was measured.
        seed: of the bootstrap, which both intervals take from 100 problems on.
    """
    shares_N = shares_of(scores)
    interval = score_interval(shares_N, seed=seed)
    difference = None if base is None or step == 0 else _difference(base, scores, seed)
    bound = interval.low if difference is None else difference["low"]
    return {
        "step": step,
        "score": float(shares_N.mean()),
        "low": interval.low,
        "high": interval.high,
        "interval": interval.method,
        "difference": difference,
        "lower_bound": None if step == 0 else bound,
        "num_problems": len(scores),
        "problems": {name: list(counts) for name, counts in scores.items()},
    }


def scores_in(record: dict[str, Any]) -> ProblemScores:
    """Return the counts of each problem of a recorded evaluation."""
    return {name: (correct, samples) for name, (correct, samples) in record["problems"].items()}


def _difference(base: ProblemScores, other: ProblemScores, seed: int) -> dict[str, Any] | None:
    """Return the paired difference to step 0; None where no problem was asked both times."""
    if not base.keys() & other.keys():
        return None
    found = paired_difference(_NAME, base, other, seed=seed)
    return {
        "value": found.value,
        "low": found.interval.low,
        "high": found.interval.high,
        "interval": found.interval.method,
        "p_value": found.p_value,
        "test": found.test,
    }
