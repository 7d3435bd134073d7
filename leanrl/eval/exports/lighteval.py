"""Scores in the form of lighteval's results file."""

from collections.abc import Mapping
from typing import Any


def lighteval_results(evaluation: Mapping[str, Any], scores: Mapping[str, Any]) -> dict[str, Any]:
    """Return a results object as lighteval writes one: a task's key is `suite|task|shots`.

    `extractive_match` is the score by lighteval's own rules where the evaluation has asked for them
    (`--grader math-verify`), so that it can stand beside published numbers. leanrl's own is `leanrl_avg_k`.

    Args:
        evaluation: the content of evaluation.json.
        scores: the content of scores.json.
    """
    benchmarks = scores["benchmarks"]
    results = {f"leanrl|{name}|0": _metrics(score) for name, score in benchmarks.items()}
    protocol = evaluation["protocol"]
    return {
        "config_general": {
            "model_name": evaluation["model"]["source"],
            "model_sha": evaluation["model"]["revision"] or evaluation["model"]["fingerprint"],
            "model_dtype": evaluation["dtype"],
            "generation_parameters": {
                "temperature": protocol["temperature"],
                "top_p": protocol["top_p"],
                "max_new_tokens": protocol["max_completion_tokens"],
                "seed": protocol["seed"],
            },
            "start_time": evaluation.get("started_at"),
        },
        "results": {**results, "all": _mean(list(results.values()))},
        "versions": {f"leanrl|{name}|0": evaluation["benchmarks"][name]["sha256"] for name in benchmarks},
        "config_tasks": {
            f"leanrl|{name}|0": {
                "name": name,
                "num_samples": [score["num_samples"]],
                "original_num_docs": evaluation["benchmarks"][name]["num_problems"],
                "effective_num_docs": score["num_problems"],
            }
            for name, score in benchmarks.items()
        },
    }


def _metrics(score: Mapping[str, Any]) -> dict[str, float]:
    own = {"leanrl_avg_k": score["accuracy"], "leanrl_avg_k_stderr": score["problem_se"]}
    published = {"extractive_match": score.get("math_verify_accuracy")}
    return {name: value for name, value in {**published, **own}.items() if value is not None}


def _mean(results: list[dict[str, float]]) -> dict[str, float]:
    """Return the plain mean of every metric that all tasks have."""
    names = [name for name in results[0] if all(name in each for each in results)]
    return {name: sum(each[name] for each in results) / len(results) for name in names}
