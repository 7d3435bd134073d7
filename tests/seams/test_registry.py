"""Plug-ins by name: options bound, and everything that is wrong with a choice said at once."""

from typing import Literal

import pytest

from leanrl.config.sections.algorithm import Choice
from leanrl.errors import ConfigError
from leanrl.seams import registry
from leanrl.seams.registry import known_plugins, make_plugin, plugin


@pytest.fixture(autouse=True)
def own_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register into a registry of the test's own."""
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
