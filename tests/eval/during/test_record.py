"""Questions of evaluations during training, and what their answers come to."""

import pytest

from leanrl.eval.compare.difference import paired_difference
from leanrl.eval.during.questions import chosen_rows, questions_of
from leanrl.eval.during.record import evaluation_record, scores_in
from leanrl.eval.during.sentence import evaluation_line
from leanrl.types import Row, prompt_id

ROWS = [Row(id=str(i), problem=f"{i}+1", gold=str(i + 1), asked_by=f"{i}+1=") for i in range(20)]
BASE = {"a": (0, 2), "b": (1, 2), "c": (0, 2)}
OTHER = {"a": (2, 2), "b": (1, 2), "c": (1, 2)}


def test_the_same_problems_are_chosen_whatever_their_order():
    chosen = chosen_rows(ROWS, num_problems=5, seed=3)
    assert len({prompt_id(row) for row in chosen}) == 5
    assert chosen_rows(ROWS[::-1], num_problems=5, seed=3) == chosen
    assert chosen_rows(ROWS, num_problems=5, seed=4) != chosen


@pytest.mark.parametrize("num_problems", [None, 20, 99])
def test_all_problems_are_asked_where_no_fewer_are_wanted(num_problems):
    assert {row.id for row in chosen_rows(ROWS, num_problems=num_problems, seed=3)} == {row.id for row in ROWS}


def test_a_seed_depends_on_problem_and_sample_alone():
    all_of_them = questions_of(ROWS, num_samples=3, temperature=0.8, seed=7)
    assert len({question.seed for question in all_of_them}) == 60
    some = questions_of(ROWS[4:6], num_samples=2, temperature=0.8, seed=7)
    seeds = {(question.problem, question.seed) for question in all_of_them}
    assert {(question.problem, question.seed) for question in some} <= seeds
    assert {question.seed for question in questions_of(ROWS, num_samples=1, temperature=0.0, seed=7)} == {None}


def test_a_record_is_that_of_compare_and_can_be_computed_again():
    """Shares 1, 0.5, 0.5 in place of 0, 0.5, 0: a score of 2/3, +1/2 since step 0."""
    record = evaluation_record(10, OTHER, base=BASE, seed=1)
    found = paired_difference("heldout", BASE, OTHER, seed=1)
    assert record["score"] == pytest.approx(2 / 3)
    assert record["difference"]["value"] == pytest.approx(0.5)
    assert (record["difference"]["low"], record["difference"]["p_value"]) == (found.interval.low, found.p_value)
    assert record["lower_bound"] == found.interval.low
    assert evaluation_record(10, scores_in(record), base=BASE, seed=1) == record


def test_without_step_0_the_bound_is_that_of_the_score():
    record = evaluation_record(10, OTHER, base=None, seed=1)
    assert record["difference"] is None
    assert record["lower_bound"] == record["low"]
    unlike = evaluation_record(10, OTHER, base={"x": (1, 1)}, seed=1)  # no problem was asked both times
    assert (unlike["difference"], unlike["lower_bound"]) == (None, unlike["low"])


def test_step_0_is_what_others_are_compared_with():
    record = evaluation_record(0, BASE, base=BASE, seed=1)
    assert (record["difference"], record["lower_bound"]) == (None, None)


@pytest.mark.parametrize("scores", [{"a": (1, 1)}, {"a": (0, 1)}, {"a": (1, 3)}, {f"p{i}": (1, 1) for i in range(200)}])
def test_few_and_equal_problems_have_an_interval_around_the_score(scores):
    record = evaluation_record(5, scores, base=scores, seed=1)
    assert 0 <= record["low"] <= record["score"] <= record["high"] <= 1
    assert record["difference"]["low"] <= 0 <= record["difference"]["high"]
    assert record["difference"]["p_value"] == 1.0


def test_a_line_says_score_interval_and_difference():
    record = evaluation_record(10, OTHER, base=BASE, seed=1) | {"is_best": True}
    line = evaluation_line(record)
    assert line.startswith("evaluation at step 10: 66.7 % of 3 held-out problems right (")
    assert "; +50.0 points since step 0 (" in line
    assert line.endswith("; the best so far")
    assert "since" not in evaluation_line(evaluation_record(0, BASE, base=None, seed=1) | {"is_best": False})
