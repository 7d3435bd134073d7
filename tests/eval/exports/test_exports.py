"""Scores in the forms of other programs: what their readers look up, with the numbers of scores.json."""

import pytest

from leanrl.eval.exports.lighteval import lighteval_results
from leanrl.eval.exports.lm_eval import lm_eval_results
from leanrl.eval.exports.model_index import model_index
from leanrl.eval.scores.benchmark_score import score
from leanrl.eval.scores.score_file import scores_as_json
from leanrl.eval.store.answers import AnswerRecord

EVALUATION = {
    "model": {"source": "runs/x", "revision": None, "fingerprint": "f" * 64},
    "protocol": {"name": "robust", "temperature": 0.8, "top_p": 0.9, "max_completion_tokens": 512, "seed": 3},
    "benchmarks": {"sums": {"sha256": "a" * 64, "num_problems": 4, "num_samples": 2}},
    "engine": "hf",
    "dtype": "float32",
    "commit": "abc",
    "started_at": "2026-01-01T00:00:00+00:00",
}


@pytest.fixture(scope="module")
def scores() -> dict:
    """Four problems with 2, 1, 0 and 0 right ones of 2 samples: avg@2 is 3/8, pass@2 is 1/2."""
    right = {"p0": (True, True), "p1": (True, False), "p2": (False, False), "p3": (False, False)}
    answers = [
        AnswerRecord("sums", name, sample, 0, "", 5, False, "correct" if is_right else "wrong", answer=str(is_right))
        for name, of_problem in right.items()
        for sample, is_right in enumerate(of_problem)
    ]
    return scores_as_json({"sums": score(answers, list(right), 2)})


def test_lm_eval_finds_a_metric_with_its_filter(scores: dict):
    results = lm_eval_results(EVALUATION, scores)
    assert results["results"]["sums"]["exact_match,none"] == 0.375
    assert results["results"]["sums"]["exact_match_stderr,none"] == scores["benchmarks"]["sums"]["problem_se"]
    assert results["results"]["sums"]["pass_at_k,none"] == 0.5
    assert results["n-samples"]["sums"] == {"original": 4, "effective": 4}
    assert results["configs"]["sums"]["repeats"] == 2
    assert results["config"]["gen_kwargs"]["max_gen_toks"] == 512


def test_lighteval_has_its_own_rules_score_or_none(scores: dict):
    bare = lighteval_results(EVALUATION, scores)
    assert bare["results"]["leanrl|sums|0"]["leanrl_avg_k"] == 0.375
    assert "extractive_match" not in bare["results"]["leanrl|sums|0"]
    asked = {**scores, "benchmarks": {"sums": {**scores["benchmarks"]["sums"], "math_verify_accuracy": 0.5}}}
    both = lighteval_results(EVALUATION, asked)
    assert both["results"]["leanrl|sums|0"]["extractive_match"] == 0.5
    assert both["results"]["all"]["extractive_match"] == 0.5


def test_the_hub_reads_the_model_index(scores: dict):
    from huggingface_hub.repocard_data import model_index_to_eval_results

    block = model_index("mine", [(EVALUATION, scores)], hub_ids={"sums": "owner/sums"})
    name, results = model_index_to_eval_results(block)
    assert name == "mine"
    assert results[0].dataset_type == "owner/sums"
    assert results[0].metric_value == 37.5
    assert "avg@2, protocol robust: temperature 0.8" in results[0].metric_name
    assert model_index("mine", [], hub_ids={}) == []
