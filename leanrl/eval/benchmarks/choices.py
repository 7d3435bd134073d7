"""A multiple-choice problem as a text with lettered options."""

import hashlib
import random
from collections.abc import Mapping
from typing import Any

from leanrl.eval.benchmarks.benchmark import Benchmark

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def lettered(fields: Mapping[str, Any], benchmark: Benchmark) -> dict[str, Any]:
    """Return the row with its options below the problem and the right one's letter as its gold.

    The order of the options is drawn from a hash of the problem: the same on every machine, without a pattern.
    """
    assert benchmark.choices is not None, "only a benchmark with choices has options"
    problem = str(fields[benchmark.problem_column])
    right = str(fields[benchmark.choices.correct_column])
    options = [right, *(str(fields[column]) for column in benchmark.choices.wrong_columns)]
    random.Random(hashlib.sha256(problem.encode()).digest()).shuffle(options)
    lines = [f"{letter}) {option.strip()}" for letter, option in zip(_LETTERS, options, strict=False)]
    return {
        **fields,
        benchmark.problem_column: "\n".join([problem.strip(), "", *lines]),
        benchmark.answer_column: _LETTERS[options.index(right)],
    }
