"""A multiple-choice problem as a text with lettered options."""

import hashlib
import random
from collections.abc import Mapping
from typing import Any

from leanrl.eval.benchmarks.benchmark import Benchmark
from leanrl.prompting.options import LETTERS, with_options


def lettered(fields: Mapping[str, Any], benchmark: Benchmark) -> dict[str, Any]:
    """Return the row with its options below the problem and the right one's letter as its gold.

    The order of the options is drawn from a hash of the problem: the same on every machine, without a pattern.
    """
    assert benchmark.choices is not None, "only a benchmark with choices has options"
    problem = str(fields[benchmark.problem_column])
    right = str(fields[benchmark.choices.correct_column])
    options = [right, *(str(fields[column]) for column in benchmark.choices.wrong_columns)]
    random.Random(hashlib.sha256(problem.encode()).digest()).shuffle(options)
    return {
        **fields,
        benchmark.problem_column: with_options(problem, options),
        benchmark.answer_column: LETTERS[options.index(right)],
    }
