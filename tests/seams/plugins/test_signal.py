"""Groups without signal are dropped."""

from math import nan

import pytest

from leanrl.config.sections.algorithm import Choice
from leanrl.errors import ConfigError
from leanrl.seams.protocols import Kept
from leanrl.seams.registry import make_plugin
from tests.seams.plugins.groups import make_group

ALL = Kept((0, 1, 2, 3))
NONE = Kept(())


def _kept(group, **options):
    return make_plugin(Choice("keep_rows", "signal", options))(group)


@pytest.mark.parametrize(
    ("rewards", "correct", "by_correct", "by_reward"),
    [
        ([1, 0, 0, 0], [1, 0, 0, 0], ALL, ALL),
        ([1, 1, 1, 1], [1, 1, 1, 1], NONE, NONE),
        ([0, 0, 0, 0], [0, 0, 0, 0], NONE, NONE),
        ([1.5, 1, 1.5, 1], [1, 1, 1, 1], NONE, ALL),  # all right, and short ones earn more
        ([0, 0.2, 0, 0], [0, 0, 0, 0], NONE, ALL),  # all wrong, and one has a box
        ([1, 1, 1, 1], [1, 1, 0, 1], ALL, NONE),  # what is right earns nothing
    ],
)
def test_signal_is_counted_by_correct_answers_or_by_rewards(rewards, correct, by_correct, by_reward):
    group = make_group(rewards, correct=[bool(one) for one in correct])
    assert _kept(group) == by_correct
    assert _kept(group, by="correct") == by_correct
    assert _kept(group, by="reward") == by_reward


@pytest.mark.parametrize("by", ["correct", "reward"])
def test_an_unscored_completion_is_no_signal_and_stays_with_its_group(by):
    """One right and three skipped wrong ones have one reward, so that all advantages are 0."""
    assert _kept(make_group([1.0, nan, nan, nan]), by=by) == NONE
    assert _kept(make_group([nan] * 4), by=by) == NONE
    assert _kept(make_group([1.0, nan, 0.0, nan]), by=by) == ALL


@pytest.mark.parametrize("by", ["correct", "reward"])
def test_a_group_of_one_has_no_signal(by):
    assert _kept(make_group([1.0]), by=by) == NONE


def test_another_way_to_count_is_refused():
    with pytest.raises(ConfigError, match=r"algorithm\.keep_rows") as caught:
        make_plugin(Choice("keep_rows", "signal", {"by": "length"}))
    assert [problem.where for problem in caught.value.problems] == ["algorithm.keep_rows.by"]
