"""The reward for a correct answer, corrected and as run."""

import pytest

from leanrl.rewards.accuracy import accuracy
from leanrl.rewards.paper.accuracy_as_run import accuracy_as_run
from tests.rewards.sample import make_sample


@pytest.mark.parametrize(
    ("reason", "corrected", "as_run"),
    [
        ("correct", 1.0, 1.0),
        ("wrong", 0.0, 0.0),
        ("no_box", 0.0, 0.0),
        ("unparseable_answer", 0.0, 0.0),
        ("unparseable_gold", 0.0, 1.0),  # the paper's code pays the whole group
        ("timeout", 0.0, 0.0),  # a grader that failed never pays
        ("memory", 0.0, 0.0),
        ("died", 0.0, 0.0),
    ],
)
def test_accuracy_by_reason(reason, corrected, as_run):
    """Every reason a verdict can have."""
    assert accuracy(make_sample(reason=reason)) == corrected
    assert accuracy_as_run(make_sample(reason=reason)) == as_run


@pytest.mark.parametrize("function", [accuracy, accuracy_as_run])
def test_a_missing_verdict_is_an_error(function):
    """Without a verdict there is no reward, rather than a silent 0."""
    with pytest.raises(ValueError, match="no verdict"):
        function(make_sample())
