"""Scores as the Hub's model-index: the block of a model card's header that the Hub shows as a table."""

from collections.abc import Mapping, Sequence
from typing import Any


def model_index(
    name: str,
    evaluations: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
    *,
    hub_ids: Mapping[str, str | None],
) -> list[dict[str, Any]]:
    """Return the value of `model-index` for a model.

    Args:
        name: of the model.
        evaluations: the contents of evaluation.json and scores.json of each.
        hub_ids: dataset of each benchmark on the Hub, where it has one; the block's `type` must be a name.
    """
    results = [
        _result(benchmark, score, evaluation, hub_ids.get(benchmark))
        for evaluation, scores in evaluations
        for benchmark, score in scores["benchmarks"].items()
    ]
    return [{"name": name, "results": results}] if results else []


def _result(
    benchmark: str, score: Mapping[str, Any], evaluation: Mapping[str, Any], hub_id: str | None
) -> dict[str, Any]:
    low, high = score["interval_95"]
    k = score["num_samples"]
    protocol = evaluation["protocol"]
    about = (
        f"avg@{k}, protocol {protocol['name']}: temperature {protocol['temperature']:g}, top_p {protocol['top_p']:g}, "
        f"{protocol['max_completion_tokens']} tokens; 95 % interval {low:.1%} to {high:.1%} over "
        f"{score['num_problems']} problems"
    )
    return {
        "task": {"type": "text-generation", "name": "Text Generation"},
        "dataset": {"name": benchmark, "type": hub_id or benchmark},
        "metrics": [{"type": "accuracy", "name": about, "value": round(100 * score["accuracy"], 2), "verified": False}],
    }
