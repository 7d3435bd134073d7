"""Scoring: one grading per completion, rewards of single completions and of whole groups, on one rank and on two."""

import json
from dataclasses import replace

import pytest

from leanrl.errors import LeanRLError
from leanrl.grading.pool import GraderPool
from leanrl.rewards.registry import WeightedGroupReward, resolve_rewards
from leanrl.seams.protocols import Draft
from leanrl.trainer.ranks.among_ranks import Ranks
from leanrl.trainer.scoring.scoring import score_groups
from leanrl.trainer.step.groups import Asked
from leanrl.types import GroupFacts, Sample, Verdict
from tests.two_ranks import run_two_ranks

LENGTHS = [5, 3, 9, 4, 7, 2, 6, 8]  # two groups of four, on one rank or on two

ALONE = Ranks(0, 1, list)


class OddIsRight:
    """A grader with a rule that a test can follow: an odd number of tokens, named in the text, is right."""

    def __init__(self):
        self.requests = []

    def grade(self, requests):
        self.requests.extend(requests)
        return [Verdict("correct" if int(request.completion) % 2 else "wrong", 0.0) for request in requests]

    def close(self):
        pass


def samples(lengths):
    return [
        Sample("?", "1", text=str(length), num_tokens=length, max_completion_tokens=9, is_truncated=False)
        for length in lengths
    ]


def scored(all_samples, *, rewards, grader, group_size, ranks=ALONE):
    """Return the groups that `score_groups` makes of samples in groups of one size."""
    groups = [all_samples[start : start + group_size] for start in range(0, len(all_samples), group_size)]
    asked = [Asked(number, str(number), [1], [Draft()] * group_size) for number in range(len(groups))]
    choice = {"ranks": ranks, "history": GroupFacts(), "offers": {}}
    return score_groups(asked, groups, rewards=rewards, grader=grader, **choice)


def rows(groups):
    """Return the rewards of all completions."""
    return [row for group in groups for row in group.rewards_G_K]


def rewards():
    return resolve_rewards({"accuracy": 1.0, "one_box": 0.5, "shortest_correct": 2.0}, {})


def test_columns_follow_the_rewards_and_every_completion_is_graded_once():
    """Right: 5, 3, 9 | 7. The shortest right of the first group is 3, of the second 7."""
    grader = OddIsRight()
    groups = scored(samples(LENGTHS), rewards=rewards(), grader=grader, group_size=4)
    assert [row[0] for row in rows(groups)] == [1, 1, 1, 0, 1, 0, 0, 0]
    assert [row[1] for row in rows(groups)] == [0] * 8
    assert [row[2] for row in rows(groups)] == [0, 1, 0, 0, 1, 0, 0, 0]
    assert len(grader.requests) == 8
    assert groups[0].verdicts_G[3].reason == "wrong"
    assert groups[0].correct == [True, True, True, False]
    assert groups[0].sums_G == [1.0, 3.0, 1.0, 0.0]


def test_the_grader_sees_the_tag_that_the_prompt_opened():
    """With it, a box in thoughts that were cut off is no answer; what comes after the closing tag is one."""
    texts = [r"I think \boxed{4}", r"so </think> \boxed{4}"]
    both = [Sample("?", "4", text, num_tokens=1, max_completion_tokens=9, is_truncated=False) for text in texts]
    within = [replace(sample, opened_tag="<think>") for sample in both]
    only = resolve_rewards({"accuracy": 1.0}, {})
    with GraderPool(1) as pool:
        plain = scored(both, rewards=only, grader=pool, group_size=2)
        opened = scored(within, rewards=only, grader=pool, group_size=2)
    assert rows(plain) == [[1.0], [1.0]]
    assert rows(opened) == [[0.0], [1.0]]


def test_rewards_without_a_verdict_need_no_grader():
    only = resolve_rewards({"one_box": 1.0}, {})
    (group,) = scored(samples([1, 2]), rewards=only, grader=None, group_size=2)
    assert group.rewards_G_K == [[0.0], [0.0]]
    assert group.verdicts_G == [None, None]


def test_a_group_reward_of_the_wrong_length_is_named():
    def one_for_all(samples):
        """Return too little."""
        return [1.0]

    (reward,) = resolve_rewards({"shortest_correct": 1.0}, {})
    assert isinstance(reward, WeightedGroupReward)
    from leanrl.rewards.registry import group_reward

    group_reward("test_one_for_all")(one_for_all)
    broken = resolve_rewards({"test_one_for_all": 1.0}, {})
    with pytest.raises(LeanRLError, match="returned 1 numbers for 2 completions"):
        scored(samples([1, 2]), rewards=broken, grader=None, group_size=2)


@pytest.fixture(scope="module")
def of_ranks():
    """What each of two ranks finds, by the size of groups."""
    printed = run_two_ranks("tests.trainer.scoring.two_ranks", "4", "2", ACCELERATE_USE_CPU="true")
    return [json.loads(line) for line in printed.splitlines()]


@pytest.mark.parametrize("group_size", [4, 2])
def test_two_ranks_give_what_one_gives(of_ranks, group_size):
    alone = rows(scored(samples(LENGTHS), rewards=rewards(), grader=OddIsRight(), group_size=group_size))
    first, second = (found[str(group_size)] for found in of_ranks)
    assert first + second == alone
