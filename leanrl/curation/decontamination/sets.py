"""The evaluation problems against which training data is held."""

from collections.abc import Callable, Sequence
from pathlib import Path

from leanrl.curation.decontamination.index import EvaluationProblem
from leanrl.errors import MissingError
from leanrl.eval.benchmarks.named import benchmark_names, find_benchmark
from leanrl.eval.benchmarks.protocols import find_protocol
from leanrl.evaluation.benchmark_data import load_benchmark


def evaluation_problems(
    against: Sequence[str] | None, *, data_dir: Path | None, say: Callable[[str], None]
) -> list[EvaluationProblem]:
    """Return the problems of the named benchmarks or files, or of all that are at hand, and say which are not.

    Raises:
        MissingError: if a named one cannot be had, or none is at hand.
    """
    problems: list[EvaluationProblem] = []
    absent: list[MissingError] = []
    for name in benchmark_names() if against is None else against:
        try:
            loaded = load_benchmark(find_benchmark(name), find_protocol("greedy"), data_dir=data_dir)
        except MissingError as error:
            if against is not None:
                raise
            absent.append(error)
            say(f"left out: {error.message}")
            continue
        problems += [EvaluationProblem(loaded.name, row.id, row.problem, str(row.gold)) for row in loaded.rows]
    if not problems:
        raise MissingError("No evaluation problems are at hand.", hint=absent[0].hint if absent else "--against A,B")
    return problems
