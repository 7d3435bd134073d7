"""Whether 95 % intervals hold the true value, and how often a test finds a difference that is not there.

    python benchmarks/eval/coverage.py [--simulations 4000]

Scores of two models are simulated whose true accuracies are known by construction: pass rates of problems are drawn
from a population, and samples from pass rates. Each case counts how often the interval of a model's accuracy and that
of the paired difference hold the true value, how often plain t intervals do, and how often the sign-flip test gives
p <= 0.05. Writes benchmarks/results/eval-coverage-<date>.json.
"""

import argparse
import itertools
import json
import math
import time
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np

from benchmarks.results_file import RESULTS, write_results_file
from leanrl.eval.compare.sign_flip import sign_flip_test
from leanrl.eval.scores.intervals import Interval, difference_interval, score_interval
from leanrl.eval.scores.problem_scores import Floats
from leanrl.eval.scores.student import t_quantile
from leanrl.machine.environment import describe_machine

NUM_SIMULATIONS = 4000
# a + b of the beta distribution of pass rates: most problems near 0 or 1, or spread over all rates. Of `traded` the
# other model is a little better on four problems of five and much worse on the fifth, and equal on average.
CONCENTRATIONS = {"split": 0.5, "spread": 3.0, "traded": 3.0}
_TRADED_GAIN, _LOSERS = 0.15, 0.2
# a + b of the fraction of its failures that the better model solves.
_GAIN_CONCENTRATION = 4.0
# A mean is within its bounds up to rounding of sums.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Case:
    """A population of problems, and two models of which one is better by `difference` on average."""

    num_problems: int
    num_samples: int
    population: str
    accuracy: float
    difference: float

    @property
    def name(self) -> str:
        return f"n={self.num_problems} k={self.num_samples} {self.population} {self.accuracy:g}+{self.difference:g}"


# Accuracies as on AIME, AMC and MATH-500; then those near 0 and 1, where few problems carry the spread.
USUAL = tuple(
    Case(*values)
    for values in [
        *itertools.product((30, 40), (1, 16), ("split", "spread"), (0.3, 0.5, 0.7), (0.0, 0.1)),
        *itertools.product((30, 40), (1, 16), ("traded",), (0.5, 0.7), (0.0,)),
        *itertools.product((500,), (1, 4), ("split", "spread"), (0.3, 0.85), (0.0, 0.03)),
        *itertools.product((500,), (4,), ("traded",), (0.5,), (0.0,)),
    ]
)
EXTREME = tuple(
    Case(*values)
    for values in [
        *itertools.product((30, 40), (1, 16), ("split", "spread"), (0.02, 0.05, 0.9), (0.0, 0.05)),
        *itertools.product((500,), (4,), ("split",), (0.005, 0.98), (0.0, 0.01)),
    ]
)
KINDS = {
    "several samples": [case for case in USUAL if case.num_samples > 1],
    "one sample": [case for case in USUAL if case.num_samples == 1],
    "near 0 and 1": EXTREME,
}


def simulate(case: Case, *, num_simulations: int, seed: int = 0) -> dict[str, Any]:
    """Return the fractions of simulations whose intervals hold the true value, and whose test is at most 0.05."""
    random = np.random.default_rng([seed, case.num_problems, case.num_samples, round(1000 * case.accuracy)])
    held: Counter[str] = Counter()
    methods: Counter[str] = Counter()
    true_other = case.accuracy + case.difference
    for _ in range(num_simulations):
        base_N, other_N = (random.binomial(case.num_samples, rates_N) for rates_N in _pass_rates(case, random))
        differences_N = (other_N - base_N) / case.num_samples
        found, of_score = difference_interval(differences_N), score_interval(other_N / case.num_samples)
        methods[f"difference: {found.method}"] += 1
        methods[f"accuracy: {of_score.method}"] += 1
        held["difference"] += _holds(found, case.difference)
        held["accuracy"] += _holds(of_score, true_other)
        held["difference_by_plain_t"] += _holds(_plain_t(differences_N), case.difference)
        held["accuracy_by_plain_t"] += _holds(_plain_t(other_N / case.num_samples), true_other)
        held["found"] += sign_flip_test(other_N - base_N).p_value <= 0.05
    shares = {name: held[name] / num_simulations for name in sorted(held)}
    found_share = shares.pop("found", 0.0)
    return {
        "case": case.name,
        **asdict(case),
        "coverage": shares,
        "found_share": found_share,
        "methods": {name: count / num_simulations for name, count in sorted(methods.items())},
    }


def drawn_differences(case: Case, *, num_simulations: int, seed: int = 0) -> list[Floats]:
    """Return the differences of each problem, for every simulation."""
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(num_simulations):
        base_N, other_N = (random.binomial(case.num_samples, rates_N) for rates_N in _pass_rates(case, random))
        drawn.append((other_N - base_N) / case.num_samples)
    return drawn


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the ranges of coverage, and the largest rate of false positives."""
    return {
        **{
            name: [min(row["coverage"][name] for row in rows), max(row["coverage"][name] for row in rows)]
            for name in rows[0]["coverage"]
        },
        "false_positives_at_most": max((row["found_share"] for row in rows if row["difference"] == 0), default=None),
    }


def table(found: dict[str, Any]) -> list[str]:
    """Return the rows of the table in docs/evaluation.md: percent of intervals that hold the true value."""
    lines = []
    for kind in KINDS:
        rows, summary = found[kind]["rows"], found[kind]["summary"]
        ranges = ("accuracy", "accuracy_by_plain_t", "difference", "difference_by_plain_t")
        cells = [_range(*summary[name]) for name in ranges]
        false_positives = f"{100 * summary['false_positives_at_most']:.1f}"
        lines.append(f"| {' | '.join([kind, str(len(rows)), *cells, false_positives])} |")
    return lines


def _range(low: float, high: float) -> str:
    return f"{100 * low:.1f} to {100 * high:.1f}"


def _pass_rates(case: Case, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Return pass rates of both models; the other solves a random fraction of what the base fails."""
    concentration = CONCENTRATIONS[case.population]
    base_N = random.beta(case.accuracy * concentration, (1 - case.accuracy) * concentration, size=case.num_problems)
    if case.population == "traded":
        loss = _TRADED_GAIN * (1 - _LOSERS) * (1 - case.accuracy) / (_LOSERS * case.accuracy)
        is_lost_N = random.random(case.num_problems) < _LOSERS
        return base_N, np.where(is_lost_N, base_N * (1 - loss), base_N + _TRADED_GAIN * (1 - base_N))
    if case.difference == 0:
        return base_N, base_N
    gain = case.difference / (1 - case.accuracy)
    gains_N = random.beta(gain * _GAIN_CONCENTRATION, (1 - gain) * _GAIN_CONCENTRATION, size=case.num_problems)
    return base_N, base_N + gains_N * (1 - base_N)


def _holds(interval: Interval, value: float) -> bool:
    return interval.low - _ROUNDING <= value <= interval.high + _ROUNDING


def _plain_t(values_N: Floats) -> Interval:
    mean, num = float(values_N.mean()), len(values_N)
    half = t_quantile(0.975, num - 1) * float(values_N.std(ddof=1)) / math.sqrt(num)
    return Interval(mean - half, mean + half, "t")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=NUM_SIMULATIONS)
    asked = parser.parse_args()
    started = time.perf_counter()
    found = {}
    for kind, cases in KINDS.items():
        rows = []
        for case in cases:
            rows.append(simulate(case, num_simulations=asked.simulations))
            print(json.dumps(rows[-1]), flush=True)
        found[kind] = {"summary": summarise(rows), "rows": rows}
    about = {
        "command": f"python benchmarks/eval/coverage.py --simulations {asked.simulations}",
        **describe_machine(),
        "seconds": time.perf_counter() - started,
        "simulations_a_case": asked.simulations,
    }
    target = RESULTS / f"eval-coverage-{date.today()}.json"
    write_results_file(target, about | found)
    print(*table(found), sep="\n")
    print(target)


if __name__ == "__main__":
    main()
