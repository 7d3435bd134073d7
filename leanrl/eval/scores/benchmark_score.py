"""What one evaluation shows on one benchmark: fractions of right answers, their standard errors, and rates."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leanrl.errors import DataError
from leanrl.eval.scores.intervals import Interval, score_interval
from leanrl.eval.scores.majority import AnswerKey, answer_key, majority, votes_of
from leanrl.eval.scores.pass_at import Estimate, draws_to_report, pass_at
from leanrl.eval.scores.problem_scores import ProblemScores, shares_of
from leanrl.eval.scores.rates import Rates, rates_of
from leanrl.eval.scores.standard_errors import problem_se, sampling_se
from leanrl.eval.store.answers import AnswerRecord

_MAX_NAMED = 5


@dataclass(frozen=True)
class BenchmarkScore:
    """The numbers of one benchmark; `accuracy` is avg@k with k = `num_samples`.

    `sampling_se` keeps the problems and draws their samples anew. `problem_se` draws the problems anew, too; `interval`
    is of that kind.
    """

    num_samples: int
    accuracy: float
    sampling_se: float | None
    problem_se: float | None
    interval: Interval
    pass_at: Mapping[int, Estimate]
    majority: Estimate
    rates: Rates
    per_problem: ProblemScores

    def as_json(self) -> dict[str, Any]:
        """Return this benchmark's entry of scores.json."""
        return {
            "num_problems": len(self.per_problem),
            "num_samples": self.num_samples,
            "accuracy": self.accuracy,
            "sampling_se": self.sampling_se,
            "problem_se": self.problem_se,
            "interval_95": [self.interval.low, self.interval.high],
            "interval_method": self.interval.method,
            "pass_at": {str(draws): estimate.value for draws, estimate in self.pass_at.items()},
            "pass_at_se": {str(draws): _errors(estimate) for draws, estimate in self.pass_at.items()},
            "majority": self.majority.value,
            "majority_se": _errors(self.majority),
            **self.rates.as_json(),
            "per_problem": {name: list(counts) for name, counts in self.per_problem.items()},
        }


def score(
    answers: Sequence[AnswerRecord],
    problem_ids: Sequence[str],
    num_samples: int,
    *,
    wall_seconds: float | None = None,
    key: AnswerKey = answer_key,
    seed: int = 0,
) -> BenchmarkScore:
    """Return the numbers of one benchmark from the graded answers of all its problems.

    Args:
        answers: num_samples of each problem, in any order.
        problem_ids: all problems that were asked.
        wall_seconds: seconds in which the engine drew these answers; tokens per second need it.
        key: gives equal answers of a problem the same text, for maj@k.
        seed: of the resamples of intervals and of maj@k.

    Raises:
        DataError: where answers are missing, doubled, or belong to no problem.
    """
    by_problem = _of_each_problem(answers, problem_ids, num_samples)
    counts = {name: (sum(one.is_correct for one in found), len(found)) for name, found in by_problem.items()}
    shares = shares_of(counts)
    return BenchmarkScore(
        num_samples=num_samples,
        accuracy=float(shares.mean()),
        sampling_se=sampling_se(counts),
        problem_se=problem_se(shares),
        interval=score_interval(shares, seed=seed),
        pass_at={draws: pass_at(counts, draws) for draws in draws_to_report(num_samples)},
        majority=majority([votes_of(found, key) for found in by_problem.values()], seed=seed),
        rates=rates_of(answers, wall_seconds=wall_seconds),
        per_problem=counts,
    )


def _of_each_problem(
    answers: Sequence[AnswerRecord], problem_ids: Sequence[str], num_samples: int
) -> dict[str, list[AnswerRecord]]:
    found: defaultdict[str, dict[int, AnswerRecord]] = defaultdict(dict)
    for answer in answers:
        if answer.sample in found[answer.id]:
            raise DataError(f"sample {answer.sample} of problem {answer.id!r} is there twice.")
        found[answer.id][answer.sample] = answer
    asked = set(problem_ids)
    wrong = [f"{name!r} is none of its problems" for name in found if name not in asked]
    wrong += [
        f"{name!r} has {len(found[name])} of {num_samples} samples"
        for name in problem_ids
        if sorted(found[name]) != list(range(num_samples))
    ]
    if wrong:
        more = f", and {len(wrong) - _MAX_NAMED} more" if len(wrong) > _MAX_NAMED else ""
        raise DataError(
            f"the answers are not those of a whole evaluation: {'; '.join(wrong[:_MAX_NAMED])}{more}.",
            hint="the same `leanrl eval` command draws what is missing",
        )
    return {name: [found[name][sample] for sample in range(num_samples)] for name in problem_ids}


def _errors(estimate: Estimate) -> dict[str, float | None]:
    return {"sampling_se": estimate.sampling_se, "problem_se": estimate.problem_se}
