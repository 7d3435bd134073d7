"""Answers on the page: which steps are shown, long texts cut in the middle."""

from typing import Any

import pytest

from leanrl.report.answers import heldout_answers, sampled_completions
from leanrl.report.run_data import RunData


def completion(**fields: Any) -> dict[str, Any]:
    return {"problem": "1 + 1", "gold": "2", "completion": "2", **fields}


def test_eight_steps_spread_over_the_run_with_both_ends() -> None:
    """Of 15 saved steps every second one: places 0, 2, .. 14."""
    data = RunData("run", completions={step: [completion()] for step in range(1, 16)})
    page = sampled_completions(data)
    shown = [step for step in range(1, 16) if f">step {step}<" in page]
    assert shown == [1, 3, 5, 7, 9, 11, 13, 15]


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
