"""Seconds that the numbers of five benchmarks with 16 samples a problem take, and the comparison of two such sets.

    python benchmarks/eval/statistics_seconds.py [--samples 16]

AIME24, AMC23, MATH-500, Minerva and OlympiadBench in size: 1,517 problems, 24,272 simulated answers. Right ones have
two spellings, wrong ones many values. CPU seconds are what an idle core needs. Writes
benchmarks/results/eval-seconds-<date>.json.
"""

import argparse
import json
import time
from datetime import date
from typing import Any

import numpy as np

from benchmarks.results_file import RESULTS, write_results_file
from leanrl.eval.compare.comparison import compare
from leanrl.eval.scores.benchmark_score import BenchmarkScore, score
from leanrl.eval.scores.majority import answer_key
from leanrl.eval.store.answers import AnswerRecord
from leanrl.machine.environment import describe_machine

SIZES = {"aime24": 30, "amc23": 40, "math500": 500, "minerva": 272, "olympiadbench": 675}
_WRONG = (r"\frac{{{0}}}{{7}}", "{0}", r"x={0}", r"{0}\pi", r"\text{{about }}{0}.5", r"({0}, \infty)")


def simulated_answers(
    benchmark: str, num_problems: int, num_samples: int, random: np.random.Generator
) -> list[AnswerRecord]:
    """Return graded answers of one benchmark: right ones in two spellings, wrong ones in many, some without a box."""
    rates = random.beta(0.6, 0.6, size=num_problems)
    return [
        _answer(benchmark, problem, sample, float(rates[problem]), random)
        for problem in range(num_problems)
        for sample in range(num_samples)
    ]


def _answer(benchmark: str, problem: int, sample: int, rate: float, random: np.random.Generator) -> AnswerRecord:
    is_right, number = random.random() < rate, int(random.integers(0, 40))
    box: str | None = rf"\frac{{{problem}}}{{3}}" if number % 2 else rf"\dfrac{{{problem}}}{{3}}"
    if not is_right:
        box = None if number < 4 else _WRONG[number % len(_WRONG)].format(problem + number // 2)
    verdict = "correct" if is_right else "no_box" if box is None else "wrong"
    return AnswerRecord(
        benchmark, f"{benchmark}-{problem}", sample, sample, "", 4000 + number, number == 0, verdict, box
    )


def measure(num_samples: int) -> dict[str, Any]:
    """Return the seconds of scores by benchmark, of all scores, and of the comparison of two such evaluations."""
    random = np.random.default_rng(0)
    seconds: dict[str, float] = {}
    cpu_seconds = 0.0
    scored: list[dict[str, BenchmarkScore]] = []
    for turn in range(2):
        answer_key.cache_clear()
        cpu_seconds = 0.0
        scored.append({})
        for name, size in SIZES.items():
            answers = simulated_answers(name, size, num_samples, random)
            names = [f"{name}-{number}" for number in range(size)]
            started, cpu_started = time.perf_counter(), time.process_time()
            scored[turn][name] = score(answers, names, num_samples, wall_seconds=60.0)
            seconds[name] = time.perf_counter() - started
            cpu_seconds += time.process_time() - cpu_started
    started = time.perf_counter()
    compare(*({name: one.per_problem for name, one in scores.items()} for scores in scored))
    compared = time.perf_counter() - started
    return {
        "scores": seconds,
        "all_scores": sum(seconds.values()),
        "all_scores_cpu": cpu_seconds,
        "comparison": compared,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=16)
    asked = parser.parse_args()
    found = {
        "command": f"python benchmarks/eval/statistics_seconds.py --samples {asked.samples}",
        **describe_machine(),
        "num_problems": SIZES,
        "num_samples": asked.samples,
        "seconds": measure(asked.samples),
    }
    target = RESULTS / f"eval-seconds-{date.today()}.json"
    write_results_file(target, found)
    print(json.dumps(found["seconds"]))
    print(target)


if __name__ == "__main__":
    main()
