"""Curves: which are drawn, from which numbers, and how they are smoothed."""

import math
from typing import Any

import pytest

from leanrl.report.figures.curves import health_curves, paper_curves, phase_names, smooth, smoothing_window, time_curves
from leanrl.report.run_data import RunData

NAN = math.nan


def data(*steps: dict[str, Any], **config: Any) -> RunData:
    return RunData("run", config=config, steps=[{"step": number, **each} for number, each in enumerate(steps, start=1)])


@pytest.mark.parametrize(
    ("values", "window", "expected"),
    [
        ([1.0, 2.0, 6.0], 3, [1.5, 3.0, 4.0]),  # both ends have one neighbour: (1+2)/2, (1+2+6)/3, (2+6)/2
        ([1.0, NAN, 5.0], 3, [1.0, 3.0, 5.0]),  # what is absent does not count
        ([4.0, 2.0], 1, [4.0, 2.0]),
        ([], 3, []),
    ],
)
def test_smoothing(values: list[float], window: int, expected: list[float]) -> None:
    assert smooth(values, window=window) == expected


def test_smoothing_leaves_a_long_gap_open() -> None:
    assert math.isnan(smooth([1.0, NAN, NAN, NAN, 1.0], window=3)[2])


@pytest.mark.parametrize(("num_steps", "window"), [(0, 1), (5, 1), (6, 3), (18, 3), (60, 5), (500, 33)])
def test_the_window_is_a_fifteenth_of_the_run_and_odd(num_steps: int, window: int) -> None:
    """60 / 15 = 4, made odd: 5; 500 / 15 = 33.3."""
    assert smoothing_window(num_steps) == window


def test_the_papers_curves() -> None:
    found = data(
        {"rewards": {"format": 0.1, "accuracy_as_run": 0.25}, "completion_tokens": {"mean": 800.0}, "kl": 0.01},
        {"rewards": {"format": 0.2, "accuracy_as_run": 0.5}, "completion_tokens": {"mean": 700.0}, "kl": 0.02},
    )
    accuracy, length, kl = paper_curves(found)
    assert (accuracy.slug, accuracy.series[0].values) == ("accuracy_reward", [0.25, 0.5])
    assert "accuracy_as_run" in accuracy.caption
    assert (length.slug, length.series[0].values) == ("completion_length", [800.0, 700.0])
    assert (kl.slug, kl.series[0].steps, kl.series[0].values) == ("kl", [1, 2], [0.01, 0.02])


def test_without_an_accuracy_reward_the_graders_verdicts_stand_in() -> None:
    accuracy = paper_curves(data({"rewards": {"cosine": 0.3}, "verdicts": {"correct": 0.5, "wrong": 0.5}}))[0]
    assert accuracy.series[0].values == [0.5]
    assert "grader" in accuracy.caption


def test_a_kl_that_was_not_measured_says_why() -> None:
    kl = paper_curves(data({"kl": None}, {"kl": None}, algorithm={"kl_beta": 0.0}))[2]
    assert kl.series == []
    assert "algorithm.kl_beta is 0" in kl.absent
    assert paper_curves(data({"kl": None}, algorithm={"kl_beta": 0.04}))[2].absent == "No KL was recorded."


def test_what_is_no_number_is_a_gap() -> None:
    entropy = health_curves(data({"entropy": 0.5}, {"entropy": None}, {"entropy": "x"}, {"entropy": math.inf}))[0]
    assert entropy.slug == "entropy"
    assert entropy.series[0].values[0] == 0.5
    assert all(math.isnan(value) for value in entropy.series[0].values[1:])


def test_only_what_was_measured_is_drawn() -> None:
    found = data({"reward": 1.0, "rewards": {"one_box": 1.0, "accuracy": 0.5}, "truncated_share": 0.25, "grad_norm": 2})
    assert [curve.slug for curve in health_curves(found)] == ["rewards", "truncated_share", "grad_norm"]
    rewards = health_curves(found)[0]
    assert [(series.name, series.values) for series in rewards.series] == [
        ("one_box", [1.0]),
        ("accuracy", [0.5]),
        ("weighted sum", [1.0]),
    ]
    assert time_curves(found) == []


def test_phases_come_in_the_order_in_which_they_happen() -> None:
    found = data({"seconds": {"step": 9.0, "sync": 1.0, "train": 3.0, "rollout": 4.0}})
    assert phase_names(found) == ["sync", "rollout", "train"]
    assert [series.name for series in time_curves(found)[0].series] == ["sync", "rollout", "train", "step"]


def test_a_verdict_that_did_not_occur_is_zero_and_one_that_was_not_graded_is_a_gap() -> None:
    """Smoothed over the steps that name it alone, a verdict that became rare would look frequent."""
    found = data({"verdicts": {"correct": 0.5, "no_box": 0.5}}, {"verdicts": {"correct": 1.0}}, {"verdicts": {}})
    (verdicts,) = health_curves(found)
    assert [(series.name, series.values[:2]) for series in verdicts.series] == [
        ("correct", [0.5, 1.0]),
        ("no_box", [0.5, 0.0]),
    ]
    assert all(math.isnan(series.values[2]) for series in verdicts.series)
    only_wrong = paper_curves(data({"verdicts": {"wrong": 1.0}}))[0]
    assert only_wrong.series[0].values == [0.0]
