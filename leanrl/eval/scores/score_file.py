"""scores.json: the numbers of an evaluation as a file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leanrl.errors import DataError
from leanrl.eval.scores.benchmark_score import BenchmarkScore
from leanrl.eval.scores.problem_scores import ProblemScores, require_possible

SCORES_FILE = "scores.json"
EVALUATION_FILE = "evaluation.json"
_ANEW = "the `leanrl eval` command of that evaluation writes the file anew from its completions"
_OTHER_FILE = (
    "name the folder that `leanrl eval` wrote; exports, and results of other programs, lack the counts of each problem"
)


@dataclass(frozen=True)
class ScoreFile:
    """What scores.json holds: the counts of every problem by benchmark, and the path of what was asked."""

    per_problem: Mapping[str, ProblemScores]
    evaluation: Path


def scores_as_json(scores: Mapping[str, BenchmarkScore]) -> dict[str, Any]:
    """Return the content of scores.json; the macro average is the plain mean over benchmarks."""
    return {
        "benchmarks": {name: one.as_json() for name, one in scores.items()},
        "macro_average": sum(one.accuracy for one in scores.values()) / len(scores),
        "evaluation": EVALUATION_FILE,
    }


def read_score_file(path: Path) -> ScoreFile:
    """Return what compares evaluations from a scores.json.

    Raises:
        DataError: naming the file and what in it is not as `leanrl eval` writes it.
    """
    content = read_json_object(path)
    benchmarks = content.get("benchmarks")
    if not isinstance(benchmarks, dict) or not benchmarks:
        raise _refusal(path, "it has no `benchmarks`")
    evaluation = content.get("evaluation", EVALUATION_FILE)
    if not isinstance(evaluation, str):
        raise _refusal(path, f"`evaluation` is {evaluation!r}, not the name of a file")
    return ScoreFile({name: _counts(entry, path, name) for name, entry in benchmarks.items()}, path.parent / evaluation)


def read_json_object(path: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds.

    Raises:
        DataError: where it cannot be read, is no JSON, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise _refusal(path, f"it is no JSON ({error})") from error
    if not isinstance(content, dict):
        raise _refusal(path, "it holds no JSON object")
    return content


def _counts(entry: Any, path: Path, benchmark: str) -> ProblemScores:
    where = f"`benchmarks.{benchmark}.per_problem`"
    per_problem = entry.get("per_problem") if isinstance(entry, dict) else None
    if not isinstance(per_problem, dict):
        raise _refusal(path, f"{where} is missing")
    counts: dict[str, tuple[int, int]] = {}
    for name, pair in per_problem.items():
        if not (isinstance(pair, list) and len(pair) == 2 and all(type(number) is int for number in pair)):
            raise _refusal(path, f"{where}: {name!r} has {pair!r} where [num_correct, num_samples] is due")
        counts[name] = (pair[0], pair[1])
    try:
        require_possible(counts)
    except ValueError as error:
        raise _refusal(path, f"{where}: {error}") from error
    return counts


def _refusal(path: Path, what: str) -> DataError:
    hint = _ANEW if path.name == SCORES_FILE else _OTHER_FILE
    return DataError(f"{path} is no scores.json of an evaluation: {what}.", hint=hint)
