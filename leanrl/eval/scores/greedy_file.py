"""greedy_before.jsonl and greedy_after.jsonl of a run, as counts of each held-out problem."""

import json
from pathlib import Path
from typing import Any

from leanrl.errors import DataError
from leanrl.eval.scores.problem_scores import ProblemScores


def read_greedy_file(path: Path) -> ProblemScores:
    """Return the counts of each problem; one that stands in the file twice has two samples.

    Raises:
        DataError: naming the file and the line that is no answer of a run.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}.") from error
    counts: dict[str, tuple[int, int]] = {}
    for number, line in enumerate(lines, start=1):
        answer = _answer(line)
        if answer is None:
            raise DataError(
                f"{path}, line {number}: this is no answer of a run's greedy evaluation.",
                hint="name the greedy_before.jsonl or greedy_after.jsonl of a run folder",
            )
        name = f"{answer['problem']} = {answer['gold']}"
        correct, samples = counts.get(name, (0, 0))
        counts[name] = (correct + (answer["verdict"] == "correct"), samples + 1)
    if not counts:
        raise DataError(f"{path} has no answers.", hint="a run with `eval.greedy=true` writes them")
    return counts


def _answer(line: str) -> dict[str, Any] | None:
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) and {"problem", "gold", "verdict"} <= answer.keys() else None
