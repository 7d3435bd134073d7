"""The greedy score: every row asked once, in order, judged strictly."""

import pytest

from leanrl.eval.greedy import GreedyScore, greedy_score
from leanrl.grading.pool import GraderPool
from leanrl.types import Row


def row(problem, gold):
    return Row(id=problem, problem=problem, gold=gold, asked_by=f"Add {problem}")


ROWS = [row("1 + 1", "2"), row("2 + 2", "4"), row("3 + 3", "6"), row("4 + 4", "8")]
ANSWERS = {
    "Add 1 + 1": r"\boxed{2}",  # right
    "Add 2 + 2": r"\boxed{5}",  # wrong
    "Add 3 + 3": "it is 6",  # right, but in no box
    "Add 4 + 4": r"4 + 4 = \boxed{8}",  # right
}


def test_two_of_four_are_right():
    with GraderPool() as grader:
        score = greedy_score(ROWS, complete=lambda prompts: (ANSWERS[prompt] for prompt in prompts), grader=grader)
    assert (score.num_correct, score.num_eval, score.accuracy) == (2, 4, 0.5)
    assert [answer["verdict"] for answer in score.answers] == ["correct", "wrong", "no_box", "correct"]
    assert score.answers[1] == {"problem": "2 + 2", "gold": "4", "completion": r"\boxed{5}", "verdict": "wrong"}


def test_the_grader_sees_the_tag_that_the_prompt_opened():
    """A box in thoughts that were cut off is no answer, one behind the closing tag is; the answers stay as written."""
    texts = [r"I think \boxed{2}", r"so </think> \boxed{4}"]
    with GraderPool() as grader:
        score = greedy_score(ROWS[:2], complete=lambda prompts: texts, grader=grader, opened_tag="<think>")
    assert [answer["verdict"] for answer in score.answers] == ["no_box", "correct"]
    assert [answer["completion"] for answer in score.answers] == texts


def test_a_lost_completion_is_no_score():
    with GraderPool() as grader, pytest.raises(ValueError, match="shorter"):
        greedy_score(ROWS, complete=lambda prompts: [r"\boxed{2}"], grader=grader)


def test_accuracy_is_a_fraction():
    assert GreedyScore(num_correct=1, num_eval=3, answers=[]).accuracy == pytest.approx(1 / 3)
