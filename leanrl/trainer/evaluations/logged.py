"""What metrics.jsonl and trackers get of an evaluation: single numbers, by name."""

from leanrl.storage.evaluations import Evaluation


def logged_values(evaluation: Evaluation) -> dict[str, float | None]:
    """Return the numbers of an evaluation; those of a difference are null where it has none."""
    difference = evaluation["difference"] or {}
    return {
        "score": evaluation["score"],
        "low": evaluation["low"],
        "high": evaluation["high"],
        "difference": difference.get("value"),
        "difference_low": difference.get("low"),
        "difference_high": difference.get("high"),
        "p_value": difference.get("p_value"),
        "truncated_share": evaluation["truncated_share"],
        "mean_tokens": evaluation["mean_tokens"],
        "seconds": evaluation["seconds"],
    }
