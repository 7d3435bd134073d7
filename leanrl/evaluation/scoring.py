"""The scores of an evaluation, from its saved completions."""

from collections.abc import Mapping, Sequence
from typing import Any

from leanrl.eval.scores.benchmark_score import score
from leanrl.eval.scores.score_file import scores_as_json
from leanrl.eval.store.folder import EvaluationFolder
from leanrl.storage.run_folder import write_json


def write_scores(
    folder: EvaluationFolder, saved: Mapping[str, Any], problem_ids: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Score the benchmarks whose problems are named, write scores.json and return its content.

    Benchmarks of earlier commands in the same folder keep their scores.

    Args:
        saved: the content of evaluation.json.
        problem_ids: all problems that were asked, by benchmark.

    Raises:
        DataError: where completions are missing or doubled.
    """
    answers = folder.answers()
    starts = saved.get("starts", ())
    # One stream draws all benchmarks: each gets the part of the time that its tokens are of all tokens.
    seconds_per_token = _ratio(sum(each["seconds"] for each in starts), sum(each["num_tokens"] for each in starts))
    scores = {}
    for name, ids in problem_ids.items():
        own = [answer for answer in answers if answer.benchmark == name]
        num_tokens = sum(answer.num_tokens for answer in own)
        scores[name] = score(
            own,
            ids,
            saved["benchmarks"][name]["num_samples"],
            wall_seconds=None if seconds_per_token is None else seconds_per_token * num_tokens,
        )
    content = scores_as_json(scores)
    write_json(folder.scores, content)
    return content


def _ratio(whole: float, parts: float) -> float | None:
    return whole / parts if parts else None
