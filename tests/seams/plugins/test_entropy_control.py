"""The controller of the entropy coefficient."""

import json
from math import inf, nan

import pytest

from leanrl.config.sections.algorithm import Choice
from leanrl.errors import ConfigError
from leanrl.seams.registry import make_plugin

ENTROPIES = [0.5, 0.3, 0.19, 0.15, 0.18, 0.22, 0.25]
COEFFICIENTS = [0, 0, 1e-4, 2e-4, 3e-4, 2e-4, 1e-4]
IN_FORCE = [0, 0, 1e-4, 2e-4, 3e-4, 0, 0]


def _controller(**options):
    return make_plugin(Choice("after_step", "entropy_control", options))


def _run(controller, entropies):
    values, coefficients = [], []
    for entropy in entropies:
        values.append(controller({"entropy": entropy, "loss": 1.0})["algorithm.entropy_coef"])
        coefficients.append(controller.coef)
    return values, coefficients


def test_the_worked_sequence():
    """Target 0.2: the coefficient moves by 1e-4 a step, and is in force only below the target."""
    values, coefficients = _run(_controller(), ENTROPIES)
    assert coefficients == pytest.approx(COEFFICIENTS)
    assert values == pytest.approx(IN_FORCE)


def test_the_coefficient_keeps_its_bounds():
    controller = _controller(start=0.00495)
    assert _run(controller, [0.0] * 3)[1] == pytest.approx([0.005] * 3)
    assert _run(controller, [9.0] * 60)[1][-1] == 0.0


def test_an_entropy_at_the_target_is_not_below_it():
    assert _run(_controller(start=1e-3), [0.2]) == ([0.0], [pytest.approx(9e-4)])


@pytest.mark.parametrize("metrics", [{}, {"entropy": nan}, {"entropy": inf}, {"entropy": -inf}, {"loss": 0.0}])
def test_a_step_without_an_entropy_changes_nothing(metrics):
    """A step that was skipped has none."""
    controller = _controller(start=1e-3)
    assert controller(metrics) == {}
    assert controller.coef == 1e-3


def test_its_state_goes_on_from_a_checkpoint():
    before = _controller()
    _run(before, ENTROPIES[:4])
    after = _controller()
    after.load_state_dict(json.loads(json.dumps(before.state_dict())))
    assert _run(after, ENTROPIES[4:]) == (pytest.approx(IN_FORCE[4:]), pytest.approx(COEFFICIENTS[4:]))


@pytest.mark.parametrize("option", ["target", "change", "highest", "start"])
def test_options_are_not_negative(option):
    with pytest.raises(ConfigError) as caught:
        _controller(**{option: -1.0})
    assert [problem.where for problem in caught.value.problems] == [f"algorithm.after_step.{option}"]
