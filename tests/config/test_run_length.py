"""Epochs as optimizer steps."""

import pytest

from leanrl.config.checks.check import find_warnings
from leanrl.config.load import load_config
from leanrl.config.run_length import with_run_length


def length(num_epochs, num_rows, *overrides):
    config = load_config("cpu-demo", [f"train.num_epochs={num_epochs}", *overrides]).config
    return with_run_length(config, num_rows=num_rows)


@pytest.mark.parametrize(
    ("num_epochs", "num_rows", "overrides", "steps"),
    [
        (1, 16, (), 4),  # 16 problems, 4 in a rollout
        (1, 19, (), 4),  # the last 3 make no rollout
        (3, 16, (), 12),
        (0.5, 16, (), 2),
        (0.1, 16, (), 1),  # a part of a rollout is a whole one
        (2, 16, ("train.updates_per_rollout=2", "algorithm.num_iterations=3"), 48),  # 8 rollouts, 6 steps on each
        (1, 3, (), 1),
    ],
)
def test_steps_by_hand(num_epochs, num_rows, overrides, steps):
    counted = length(num_epochs, num_rows, *overrides)
    assert (counted.train.max_steps, counted.train.num_epochs) == (steps, None)


@pytest.mark.parametrize(("given", "steps"), [((), 4), (("train.num_epochs=3",), 12)])
def test_null_steps_are_those_of_every_problem_once_or_as_often_as_epochs_say(given, steps):
    config = load_config("cpu-demo", ["train.max_steps=null", *given]).config
    assert with_run_length(config, num_rows=16).train.max_steps == steps
    assert not any("max_steps" in warning for warning in find_warnings(config))


def test_without_epochs_max_steps_decides():
    config = load_config("cpu-demo", ["train.max_steps=7"]).config
    assert with_run_length(config, num_rows=1000) is config
