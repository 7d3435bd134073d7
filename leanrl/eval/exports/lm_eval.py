"""Scores in the form of lm-evaluation-harness: the keys that its readers take, with leanrl's numbers."""

from collections.abc import Mapping
from typing import Any


def lm_eval_results(evaluation: Mapping[str, Any], scores: Mapping[str, Any]) -> dict[str, Any]:
    """Return a results object as its `--output_path` writes one.

    A metric's key is `name,filter`. `exact_match` is avg@k, with the standard error over problems that the harness
    writes; metrics of several samples stand beside it by their own names.

    Args:
        evaluation: the content of evaluation.json.
        scores: the content of scores.json.
    """
    benchmarks = scores["benchmarks"]
    asked = evaluation["benchmarks"]
    return {
        "results": {name: {"alias": name, **_metrics(score)} for name, score in benchmarks.items()},
        "configs": {name: _task(name, evaluation, score) for name, score in benchmarks.items()},
        "versions": {name: asked[name]["sha256"] for name in benchmarks},
        "n-shot": dict.fromkeys(benchmarks, 0),
        "n-samples": {
            name: {"original": asked[name]["num_problems"], "effective": score["num_problems"]}
            for name, score in benchmarks.items()
        },
        "higher_is_better": {
            name: dict.fromkeys(("exact_match", "pass_at_k", "majority"), True) for name in benchmarks
        },
        "config": {
            "model": evaluation["engine"],
            "model_args": evaluation["model"],
            "model_dtype": evaluation["dtype"],
            "random_seed": evaluation["protocol"]["seed"],
            "gen_kwargs": _generation(evaluation),
        },
        "model_name": evaluation["model"]["source"],
        "git_hash": evaluation.get("commit"),
        "date": evaluation.get("started_at"),
    }


def _metrics(score: Mapping[str, Any]) -> dict[str, Any]:
    k = str(score["num_samples"])
    values = {
        "exact_match": (score["accuracy"], score["problem_se"]),
        "pass_at_k": (score["pass_at"][k], score["pass_at_se"][k]["problem_se"]),
        "majority": (score["majority"], score["majority_se"]["problem_se"]),
    }
    found: dict[str, Any] = {}
    for name, (value, error) in values.items():
        found[f"{name},none"] = value
        found[f"{name}_stderr,none"] = "N/A" if error is None else error
    return found


def _task(name: str, evaluation: Mapping[str, Any], score: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "task": name,
        "output_type": "generate_until",
        "num_fewshot": 0,
        "repeats": score["num_samples"],
        "generation_kwargs": _generation(evaluation),
        "metadata": {"version": evaluation["benchmarks"][name]["sha256"]},
    }


def _generation(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    protocol = evaluation["protocol"]
    return {
        "do_sample": protocol["temperature"] > 0,
        "temperature": protocol["temperature"],
        "top_p": protocol["top_p"],
        "max_gen_toks": protocol["max_completion_tokens"],
    }
