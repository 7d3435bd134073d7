"""Plug-ins by name: options bound, and everything that is wrong with a choice said at once."""

from typing import Literal

import pytest

from leanrl.config.sections.algorithm import Choice
from leanrl.errors import ConfigError
from leanrl.seams import registry
from leanrl.seams.listing import IN_ORDER, list_plugins
from leanrl.seams.registry import SEAMS, find_problems, known_plugins, make_plugin, plugin


@pytest.fixture(autouse=True)
def own_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register into a registry of the test's own; what comes with leanrl is loaded before, into all of them."""
    known_plugins(SEAMS[0])
    monkeypatch.setattr(registry, "_plugins", {seam: dict(found) for seam, found in registry._plugins.items()})


def _double(metrics, *, factor: float, mode: Literal["up", "down"] = "up"):
    return {"algorithm.entropy_coef": metrics["entropy"] * factor * (1 if mode == "up" else -1)}


class _Counter:
    def __init__(self, *, start: int = 0) -> None:
        self.count = start

    def __call__(self, metrics):
        self.count += 1
        return {"algorithm.entropy_coef": float(self.count)}


def test_a_function_gets_its_options_bound():
    plugin("after_step", "double")(_double)
    after_step = make_plugin(Choice("after_step", "double", {"factor": 3.0}))
    assert after_step({"entropy": 2.0}) == {"algorithm.entropy_coef": 6.0}


def test_a_class_is_made_with_its_options_and_keeps_its_state():
    plugin("after_step", "counter")(_Counter)
    after_step = make_plugin(Choice("after_step", "counter", {"start": 4}))
    assert [after_step({})["algorithm.entropy_coef"] for _ in range(2)] == [5.0, 6.0]


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("dubble", {}, ["algorithm.after_step.name", "Did you mean `double`?"]),
        ("double", {"factr": 1.0, "factor": 1.0}, ["algorithm.after_step.factr", 'did you mean "factor"?']),
        ("double", {}, ["algorithm.after_step.factor", "needs it"]),
        (
            "double",
            {"factor": "x", "mode": "left"},
            ["after_step.factor: must be a number, is 'x'", "after_step.mode: must be up or down, is 'left'"],
        ),
        ("double", {"factor": float("nan")}, ["after_step.factor: must be a number, is nan"]),
    ],
)
def test_everything_that_is_wrong_is_said(name, options, expected):
    plugin("after_step", "double")(_double)
    with pytest.raises(ConfigError) as caught:
        make_plugin(Choice("after_step", name, options))
    for part in expected:
        assert part in str(caught.value)


def test_two_plugins_of_one_name_are_refused_and_the_same_one_is_not():
    plugin("after_step", "double")(_double)
    plugin("after_step", "double")(_double)
    with pytest.raises(ConfigError, match="exists already"):
        plugin("after_step", "double")(_Counter)
    assert known_plugins("after_step")["double"] is _double


def test_an_unknown_seam_names_the_nearest():
    with pytest.raises(ConfigError, match="no such seam") as caught:
        plugin("after_steps", "x")
    assert 'did you mean "after_step"?' in str(caught.value.hint)


class _Window:
    def __init__(self, *, low: float = 0.5, high: float = 2.0) -> None:
        if low > high:
            raise ValueError(f"no ratio lies between {low:g} and {high:g}")

    def __call__(self, logprobs_B_T, rollout_logprobs_B_T, mask_B_T):
        return mask_B_T


def test_a_class_may_refuse_options_that_are_right_each_by_itself():
    plugin("correction", "window")(_Window)
    (problem,) = find_problems(Choice("correction", "window", {"low": 3.0}))
    assert problem.where == "algorithm.correction.name, algorithm.correction.low"
    assert problem.what == "window refuses its options: no ratio lies between 3 and 2"
    assert list(find_problems(Choice("correction", "window", {"low": 1.0}))) == []


def test_postponed_annotations_are_checked_too():
    namespace = {"plugin": plugin}
    exec(
        "from __future__ import annotations\n"
        "@plugin('after_step', 'later')\n"
        "def later(metrics: Metrics, *, factor: float, other: Unknown = 1):\n"
        "    return {}\n",
        namespace,
    )
    (problem,) = find_problems(Choice("after_step", "later", {"factor": "x", "other": "anything"}))
    assert str(problem) == "algorithm.after_step.factor: must be a number, is 'x'"


def test_every_shipped_plug_in_says_in_a_line_what_it_does():
    found = list_plugins()
    assert {(info.seam, info.name) for info in found} == {(s, name) for s in SEAMS for name in known_plugins(s)}
    assert [info.seam for info in found] == sorted((info.seam for info in found), key=IN_ORDER.index)
    assert set(IN_ORDER) == set(SEAMS)
    shipped = [info for info in found if known_plugins(info.seam)[info.name].__module__.startswith("leanrl.")]
    assert len(shipped) >= len(SEAMS)
    for info in shipped:
        assert info.about.endswith((".", "!")), info
