"""Answers on the page: which steps are shown, long texts cut in the middle."""

from typing import Any

import pytest

from leanrl.report.answers import around_graded_box, heldout_answers, sampled_completions, weighted_reward
from leanrl.report.run_data import RunData


def completion(**fields: Any) -> dict[str, Any]:
    return {"problem": "1 + 1", "gold": "2", "completion": "2", **fields}


def test_sixty_steps_spread_over_the_run_with_both_ends_and_the_rule_in_words() -> None:
    """Every second of 119 steps: 118 / 59 = 2. Of 30 completions of a step 24: 60 x 24 = 1,440 of 3,570."""
    data = RunData("run", completions={step: [completion()] * 30 for step in range(1, 120)})
    page = sampled_completions(data)
    shown = [step for step in range(1, 120) if f"<summary>step {step}<" in page]
    assert shown == list(range(1, 120, 2))
    assert page.count("<article ") == 1440
    assert "The page shows 1,440 of the 3,570 that the run saved" in page


@pytest.mark.parametrize(
    ("text", "box"),
    [
        (r"so \boxed{1} and then \boxed{2}.", r"\boxed{2}"),
        (r"<think>\boxed{7}</think> it is \boxed{3}", r"\boxed{3}"),
        (r"\boxed{5} <think>or", r"\boxed{5}"),
        ("no box", ""),
        (r"\boxed{\frac{1}{2}", ""),
    ],
)
def test_the_graded_box_is_found(text: str, box: str) -> None:
    before, found, after = around_graded_box(text)
    assert found == box
    assert before + found + after == text


@pytest.mark.parametrize(
    ("rewards", "weights", "total"),
    [
        ({"a": 1.0, "b": 0.5}, {"a": 0.5, "b": 1.0}, "1"),
        ({"a": 1.0, "b": None}, {"a": 0.5, "b": 1.0}, "0.5"),
        ({"a": 1.0}, None, ""),
        ({"a": "x"}, {"a": 1.0}, ""),
        ({}, {}, ""),
    ],
)
def test_the_reward_of_a_completion_is_weighted(rewards: dict[str, Any], weights: Any, total: str) -> None:
    assert weighted_reward(rewards, weights) == total


def test_a_long_completion_keeps_both_ends() -> None:
    """10,000 characters: 3,000 of each end stay, 4,000 go."""
    text = "START" + "x" * 9990 + "FINAL"
    page = sampled_completions(RunData("run", completions={1: [completion(completion=text)]}))
    assert "START" in page
    assert "FINAL" in page
    assert "4,000 characters left out" in page
    assert len(page) < 8000


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("wrong", "correct", "learnt: 1"),
        ("correct", "wrong", "lost: 1"),
        ("correct", "correct", "right both times: 1"),
        ("no_box", "timeout", "wrong both times: 1"),
    ],
)
def test_every_heldout_problem_is_in_one_group(before: str, after: str, expected: str) -> None:
    data = RunData(
        "run", greedy_before={"1 + 1": completion(verdict=before)}, greedy_after={"1 + 1": completion(verdict=after)}
    )
    page = heldout_answers(data)
    assert expected in page
    assert page.count("<details>") == 1


def test_nothing_is_shown_where_nothing_was_saved() -> None:
    assert heldout_answers(RunData("run")) == ""
    assert sampled_completions(RunData("run")) == ""


def test_a_record_with_nothing_in_it_is_shown_as_such() -> None:
    assert "<article " in sampled_completions(RunData("run", completions={1: [{"step": 1}]}))
