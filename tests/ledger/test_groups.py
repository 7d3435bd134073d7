"""Groups gathered from ranks, as visits: the same however the completions lie among ranks."""

from random import Random

import pytest

from leanrl.ledger.groups import Outcome, gathered_visits
from leanrl.types import Visit

G = 4


def rollout(num_groups: int, *, seed: int = 3) -> list[Outcome]:
    draw = Random(seed)
    return [
        Outcome(f"{group:016x}", draw.random(), draw.random() < 0.5, draw.randint(1, 99), draw.random() < 0.2)
        for group in range(num_groups)
        for _ in range(G)
    ]


def test_a_group_becomes_a_visit() -> None:
    """A dropped group, of one reward for all, is a visit like any other."""
    outcomes = [
        Outcome("a", 1.5, True, 7, False),
        Outcome("a", 0.0, False, 9, True),
        *[Outcome("b", 0.0, False, 5, False)] * 3,
    ]
    assert gathered_visits(outcomes, group_sizes=(2, 3), step=4, epoch=1) == [
        ("a", Visit(4, 1, (1.5, 0.0), (True, False), (7, 9), (False, True))),
        ("b", Visit(4, 1, (0.0, 0.0, 0.0), (False,) * 3, (5, 5, 5), (False,) * 3)),
    ]


def test_a_prompt_that_is_drawn_twice_in_a_rollout_has_two_visits() -> None:
    outcomes = [Outcome("a", float(number), False, 1, False) for number in range(4)]
    found = gathered_visits(outcomes, group_sizes=(2, 2), step=0, epoch=0)
    assert [(prompt, each.rewards_G) for prompt, each in found] == [("a", (0.0, 1.0)), ("a", (2.0, 3.0))]


def test_sizes_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="12 completions were asked for, and 8 are there"):
        gathered_visits(rollout(2), group_sizes=(G,) * 3, step=0, epoch=0)


def test_a_group_of_two_prompts_is_refused() -> None:
    """Completions that lie in another order than their groups would be written down for the wrong problems."""
    with pytest.raises(ValueError, match="completions of 2 prompts, not of one: 0000000000000000, 0000000000000001"):
        gathered_visits(rollout(2), group_sizes=(5, 3), step=0, epoch=0)
