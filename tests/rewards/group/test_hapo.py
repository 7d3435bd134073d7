"""HAPO: a right completion against the right ones that the same problem has had before."""

import pytest

from leanrl.errors import ConfigError
from leanrl.rewards.registry import resolve_rewards
from leanrl.types import GroupFacts, Visit
from tests.rewards.sample import make_sample

WORKED = [
    [(1000, True), (700, False)],
    [(800, True), (500, True)],
    [(450, False), (900, True)],
    [(250, True), (1100, True)],
]


class Ledger:
    """The visits of one problem."""

    def __init__(self, *groups):
        self._visits = [_visit(step, group) for step, group in enumerate(groups)]

    def visits(self, prompt_id):
        return self._visits if prompt_id == "a" else []


def _visit(step, group):
    lengths, correct = zip(*group, strict=True)
    return Visit(step, 0, tuple(map(float, correct)), correct, lengths, (False,) * len(group))


def _samples(group):
    return [make_sample(reason="correct" if right else "wrong", num_tokens=length) for length, right in group]


def _scores(group, earlier=(), *, prompt_id="a", **options):
    (reward,) = resolve_rewards({"hapo": 1.0}, {"hapo": options})
    return reward.score_group(_samples(group), GroupFacts(prompt_id, Ledger(*earlier)))


@pytest.mark.parametrize(
    ("number", "expected"), list(enumerate([[1, 0], [1.3090, 1.7071], [0, 0.3], [1.7071, 0.3]])), ids=str
)
def test_the_worked_visits(number, expected):
    """h none, 1000, 500, 500: cos(pi/2 L/h), at least -0.7 for a right one, at most 0 for a wrong one."""
    assert _scores(WORKED[number], WORKED[:number]) == pytest.approx(expected, abs=5e-5)


def test_the_shortest_right_length_is_that_before_the_step():
    """A group says nothing about itself: 250 beside 1100 is measured against 500."""
    assert _scores([(250, True)], WORKED) == pytest.approx([1.0])  # cos(pi / 2)
    assert _scores([(250, True)], WORKED[:3]) == pytest.approx([1.7071], abs=5e-5)


def test_a_wrong_completion_earns_nothing_for_being_short_and_loses_for_being_long():
    """From 2 h on the term stays: at 4 h = 2000 the cosine would be 1 again."""
    assert _scores([(1, False), (500, False), (999, False), (2000, False)], WORKED[:2]) == pytest.approx(
        [0.0, 0.0, -1.0, -1.0], abs=1e-4
    )


def test_the_length_term_is_weighed_and_never_turns_right_below_wrong():
    for weight in (0.0, 0.25, 1.0):
        scores = _scores([(2000, True), (1, False), (1, True)], WORKED[:2], length_weight=weight)
        assert scores == pytest.approx([1 - 0.7 * weight, 0.0, 1 + weight], abs=1e-4)
        assert scores[0] > scores[1]


def test_the_mean_forgives_a_lucky_short_one():
    """Right lengths 1000, 800, 500: the mean is 766.67, and L = 766 is worth cos(pi/2) and not -1."""
    assert _scores([(766, True)], WORKED[:2], history="mean") == pytest.approx([1.0], abs=2e-3)
    assert _scores([(766, True)], WORKED[:2]) == pytest.approx([0.3])


def test_visits_without_a_right_completion_say_nothing():
    assert _scores([(3, True), (9, False)], [[(5, False)], [(7, False)]]) == [1.0, 0.0]
    assert _scores([(3, True)], WORKED, prompt_id="another") == [1.0]


def test_a_right_completion_of_no_tokens_is_no_length():
    """A length of 0 would be divided by."""
    assert _scores([(3, True)], [[(0, True)]]) == [1.0]
    assert _scores([(0, True)], WORKED[:2]) == [2.0]


def test_without_facts_there_is_no_history():
    """A reward is tried on one answer before the model is loaded."""
    (reward,) = resolve_rewards({"hapo": 1.0}, {})
    assert reward.grade_mode == "strict"
    assert reward.score_group(_samples([(5, True), (2, False)])) == [1.0, 0.0]


def test_its_options_are_its_own_and_not_the_facts():
    with pytest.raises(ConfigError) as caught:
        resolve_rewards(
            {"hapo": 1.0}, {"hapo": {"ledger": 1, "prompt_id": "a", "length_weight": 1.5, "history": "max"}}
        )
    found = {problem.where.removeprefix("reward_options.hapo."): problem for problem in caught.value.problems}
    assert set(found) == {"ledger", "prompt_id", "length_weight", "history"}
    assert found["ledger"].hint == "options of hapo: length_weight, history"
