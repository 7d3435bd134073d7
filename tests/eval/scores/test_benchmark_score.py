"""All numbers of a benchmark from its answers, and its file."""

import json

import pytest

from leanrl.errors import DataError
from leanrl.eval.scores.benchmark_score import score
from leanrl.eval.scores.score_file import read_score_file, scores_as_json
from tests.eval.scores.records import answer

ANSWERS = [
    answer(name="a", sample=0, box="4", num_tokens=10),
    answer(name="a", sample=1, box="5", num_tokens=20),
    answer(name="b", sample=0, box=None, num_tokens=40, is_truncated=True),
    answer(name="b", sample=1, box="4", verdict="unfinished", num_tokens=30),
]


def test_numbers_of_two_problems_with_two_samples():
    found = score(ANSWERS, ["a", "b"], 2, wall_seconds=5.0)
    assert found.per_problem == {"a": (1, 2), "b": (0, 2)}
    assert found.accuracy == 0.25
    assert found.sampling_se == pytest.approx(0.25)
    assert found.problem_se == pytest.approx(0.25)
    assert found.pass_at[2].value == 0.5
    assert found.majority.value == 0.25
    assert (found.rates.truncated_share, found.rates.no_box_share, found.rates.unfinished_share) == (0.25, 0.25, 0.25)
    assert (found.rates.mean_tokens, found.rates.tokens_per_second) == (25.0, 20.0)
    assert found.rates.math_verify_accuracy is None


@pytest.mark.parametrize(
    ("verdict", "rate"),
    [
        ("timeout", "error_share"), ("memory", "error_share"), ("died", "error_share"),
        ("unparseable_gold", "error_share"), ("unparseable_answer", "unparseable_share"),
        ("unfinished", "unfinished_share"), ("echo", "unfinished_share"), ("no_box", "no_box_share"),
    ],
)  # fmt: skip
def test_every_verdict_has_one_rate(verdict, rate):
    rates = score([answer(verdict=verdict), answer(sample=1)], ["a"], 2).rates.as_json()
    assert {name for name, value in rates.items() if name.endswith("_share") and value} == {rate}
    assert rates[rate] == 0.5


def test_the_other_graders_accuracy_where_it_judged_all():
    judged = [answer(math_verify=True), answer(sample=1, math_verify=False)]
    assert score(judged, ["a"], 2).rates.math_verify_accuracy == 0.5
    assert score([judged[0], answer(sample=1)], ["a"], 2).rates.math_verify_accuracy is None


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (ANSWERS[:3], "'b' has 1 of 2 samples"),
        ([*ANSWERS, answer(name="c")], "'c' is none of its problems"),
        ([*ANSWERS, ANSWERS[0]], "sample 0 of problem 'a' is there twice"),
        ([*ANSWERS[:3], answer(name="b", sample=7)], "'b' has 2 of 2 samples"),
    ],
)
def test_answers_that_are_not_a_whole_evaluation_are_refused(answers, said):
    with pytest.raises(DataError) as refusal:
        score(answers, ["a", "b"], 2)
    assert said in refusal.value.message


def test_scores_json_has_what_the_contract_names(tmp_path):
    content = scores_as_json({"sums": score(ANSWERS, ["a", "b"], 2)})
    assert content["macro_average"] == 0.25
    assert content["benchmarks"]["sums"].keys() == {
        "num_problems", "num_samples", "accuracy", "sampling_se", "problem_se", "interval_95", "interval_method",
        "pass_at", "pass_at_se", "majority", "majority_se", "truncated_share", "no_box_share", "unparseable_share",
        "error_share", "unfinished_share", "mean_tokens", "tokens_per_second", "math_verify_accuracy", "per_problem",
    }  # fmt: skip
    path = tmp_path / "scores.json"
    path.write_text(json.dumps(content, allow_nan=False))
    assert read_score_file(path).per_problem == {"sums": {"a": (1, 2), "b": (0, 2)}}
    assert read_score_file(path).evaluation == tmp_path / "evaluation.json"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ("[]", "it holds no JSON object"),
        ("{}", "it has no `benchmarks`"),
        ('{"benchmarks": {"sums": {}}}', "`benchmarks.sums.per_problem` is missing"),
        ('{"benchmarks": {"sums": {"per_problem": {"a": [1]}}}}', "'a' has [1] where"),
        ('{"benchmarks": {"sums": {"per_problem": {"a": [true, 2]}}}}', "'a' has [True, 2] where"),
        ('{"benchmarks": {"sums": {"per_problem": {"a": [3, 2]}}}}', "cannot have 3 right samples of 2"),
        ('{"benchmarks": {"sums": {"per_problem": {}}}}', "at least one problem"),
        ('{"benchmarks": {"sums": {"per_problem": {"a": [1, 2]}}}, "evaluation": 3}', "`evaluation` is 3"),
    ],
)
def test_a_broken_file_is_named_with_what_is_wrong(tmp_path, text, said):
    path = tmp_path / "scores.json"
    path.write_text(text)
    with pytest.raises(DataError) as refusal:
        read_score_file(path)
    assert str(path) in refusal.value.message
    assert said in refusal.value.message


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_score_file(tmp_path / "scores.json")
