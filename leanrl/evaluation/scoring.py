"""The scores of an evaluation, from its saved completions."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from leanrl.eval.compare.selection import best_of_equal
from leanrl.eval.exports.lighteval import lighteval_results
from leanrl.eval.exports.lm_eval import lm_eval_results
from leanrl.eval.scores.benchmark_score import BenchmarkScore, score
from leanrl.eval.scores.problem_scores import shares_of
from leanrl.eval.scores.score_file import scores_as_json
from leanrl.eval.store.folder import EvaluationFolder
from leanrl.storage.run_folder import write_json


def write_scores(
    folder: EvaluationFolder, saved: Mapping[str, Any], problem_ids: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Score every benchmark of the folder that is whole, write scores.json and return its content.

    Args:
        saved: the content of evaluation.json.
        problem_ids: all problems of the benchmarks that were asked now, which must be whole.

    Raises:
        DataError: where their completions are missing or doubled.
    """
    answers = folder.answers()
    starts = saved.get("starts", ())
    # One stream draws all benchmarks: each gets the part of the time that its tokens are of all tokens.
    seconds_per_token = _ratio(sum(each["seconds"] for each in starts), sum(each["num_tokens"] for each in starts))
    scores = {}
    for name, asked in saved["benchmarks"].items():
        own = [answer for answer in answers if answer.benchmark == name]
        ids = problem_ids.get(name) or list(dict.fromkeys(answer.id for answer in own))
        if name not in problem_ids and len(own) != asked["num_problems"] * asked["num_samples"]:
            continue  # an earlier command was stopped within it
        num_tokens = sum(answer.num_tokens for answer in own)
        wall_seconds = None if seconds_per_token is None else seconds_per_token * num_tokens
        scores[name] = score(own, ids, asked["num_samples"], wall_seconds=wall_seconds)
    content = {**scores_as_json(scores), **_chosen(saved.get("chosen_by"), scores)}
    write_json(folder.scores, content)
    if scores:
        _write_exports(folder, saved, content)
    return content


def _chosen(chosen_by: Mapping[str, Any] | None, scores: Mapping[str, BenchmarkScore]) -> dict[str, Any]:
    """Return how the model was chosen, and what luck gives the best of as many equal ones on each benchmark."""
    if chosen_by is None:
        return {}
    tried = chosen_by["num_tried"]
    return {
        "chosen": {**chosen_by, "best_of_equal_if_chosen_here": {n: _luck(each, tried) for n, each in scores.items()}}
    }


def _luck(score: BenchmarkScore, num_tried: int) -> dict[str, Any] | None:
    """Return what the best of equal checkpoints would show, had it been chosen on this benchmark itself.

    None with one sample a problem: its pass rates are 0 or 1, and leave luck no room.
    """
    if score.num_samples < 2:
        return None
    rates = shares_of(score.per_problem).tolist()
    return asdict(best_of_equal(rates, num_samples=score.num_samples, num_checkpoints=num_tried))


def _write_exports(folder: EvaluationFolder, saved: Mapping[str, Any], scores: Mapping[str, Any]) -> None:
    """Write the scores in the forms of other programs."""
    folder.exports.mkdir(exist_ok=True)
    write_json(folder.exports / "lm_eval.json", lm_eval_results(saved, scores))
    write_json(folder.exports / "lighteval.json", lighteval_results(saved, scores))


def _ratio(whole: float, parts: float) -> float | None:
    return whole / parts if parts else None
