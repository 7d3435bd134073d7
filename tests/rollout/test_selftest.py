"""The self-test on an engine whose faults are played: what is compared, and what each disagreement is called.

The played policies give every token a fixed log-probability: the trained one -1, its base -2, the version before -3;
at another temperature than 0.7 the trained one gives -1 - |temperature - 0.7|.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest

from leanrl.rollout.protocol import Adapter, Completion, GroupRequest, Sampling
from leanrl.rollout.selftest import MAX_TOKENS, RolloutMismatchError, SelfTest, choose, mean_difference

BEFORE = Adapter({}, {})
REQUESTS = [GroupRequest([1, 2], 2), GroupRequest([3], 2)]
SAMPLING = Sampling(temperature=0.7, max_completion_tokens=5, stop_token_ids=(0,))


class PlayedTrainer:
    def score(self, drawn, *, temperature):
        return [[-1.0 - abs(temperature - 0.7)] * len(one.token_ids) for one in drawn]

    def score_base(self, drawn, *, temperature):
        return [[-2.0] * len(one.token_ids) for one in drawn]

    def score_with(self, adapter, drawn, *, temperature):
        assert adapter is BEFORE
        return [[-3.0] * len(one.token_ids) for one in drawn]


class PlayedEngine:
    """Draws with one log-probability, until its prefixes are forgotten."""

    def __init__(self, logprob, *, afterwards=None, base=-2.0):
        self.logprob, self.afterwards, self.base = logprob, afterwards, base

    def generate(self, requests, sampling):
        return groups(self.logprob, requests)

    def generate_without_adapter(self, requests, sampling):
        return groups(self.base, requests)

    def forget_prefixes(self):
        self.logprob = self.logprob if self.afterwards is None else self.afterwards


def groups(logprob, requests=REQUESTS, num_tokens=3):
    one = Completion([7] * num_tokens, [logprob] * num_tokens)
    return [[one] * request.num_completions for request in requests]


def check(engine, *, sampling=SAMPLING, **more):
    selftest = SelfTest(engine, PlayedTrainer(), PlayedTrainer(), sampling, BEFORE, tolerance=1e-4, **more)
    return selftest.check(REQUESTS, engine.generate(REQUESTS, sampling))


def check_together(*engines):
    """Return what each of several ranks found, which are threads here: a difference, or an error."""
    numbers, meeting = [0.0] * len(engines), Barrier(len(engines), timeout=60)

    def highest(rank, number):
        numbers[rank] = number
        meeting.wait()
        found = max(numbers)
        meeting.wait()
        return found

    def find(rank):
        try:
            return check(engines[rank], highest=partial(highest, rank))
        except RolloutMismatchError as error:
            return error

    with ThreadPoolExecutor(len(engines)) as ranks:
        return list(ranks.map(find, range(len(engines))))


def test_a_healthy_engine_differs_by_rounding():
    assert check(PlayedEngine(-1.00005)) == pytest.approx(5e-5)


@pytest.mark.parametrize(
    ("engine", "fault", "difference"),
    [
        (PlayedEngine(-2.0), "ignored adapter", 1.0),
        (PlayedEngine(-3.0), "stale adapter", 2.0),
        (PlayedEngine(-1.3), "wrong temperature", 0.3),
        (PlayedEngine(-1.45, afterwards=-1.0, base=-2.0), "reused name", 0.45),
        (PlayedEngine(-1.45, base=-9.0), "wrong base model", 0.45),
        (PlayedEngine(-1.45), "unknown fault", 0.45),
    ],
    ids=["ignored", "stale", "temperature", "reused name", "base", "unknown"],
)
def test_each_disagreement_has_its_name(engine, fault, difference):
    """-1.3 is the trained policy at 1.0, 0.3 away from 0.7; -1.45 is no tenth of a temperature."""
    with pytest.raises(RolloutMismatchError) as caught:
        check(engine)
    assert caught.value.fault == fault
    assert caught.value.difference == pytest.approx(difference)
    assert caught.value.exit_code == 6
    assert "leanrl train --resume" in caught.value.hint


def test_a_cut_distribution_is_tested_on_what_was_drawn():
    """Engines report the whole distribution whatever they cut: renormalised numbers (-0.5 here) are a mismatch."""
    nucleus = Sampling(temperature=0.7, max_completion_tokens=5, stop_token_ids=(0,), top_p=0.9)
    assert check(PlayedEngine(-1.0), sampling=nucleus) == 0.0
    with pytest.raises(RolloutMismatchError):
        check(PlayedEngine(-0.5), sampling=nucleus)


def test_every_prompt_is_compared_in_turn_until_there_are_enough_tokens():
    """Completions of 261 tokens are cut to 256: two of them are 512. Of 100 tokens it takes six."""
    many = [GroupRequest([index], 2) for index in range(4)]
    drawn = choose(many, groups(-1.0, many, num_tokens=MAX_TOKENS + 5))
    assert [one.prompt_ids for one in drawn] == [[0], [1]]
    assert all(len(one.token_ids) == len(one.logprobs) == MAX_TOKENS for one in drawn)
    drawn = choose(many, groups(-1.0, many, num_tokens=100))
    assert [one.prompt_ids for one in drawn] == [[0], [1], [2], [3], [0], [1]]


def test_the_mean_is_over_tokens_and_no_number_is_no_agreement():
    """(0.5 + 0.1 + 0.3) / 3 = 0.3."""
    drawn = choose(REQUESTS, [[Completion([1, 2], [-1.0, -2.0])], [Completion([3], [-3.0])]])
    assert mean_difference(drawn, [[-1.5, -2.1], [-2.7]]) == pytest.approx(0.3)
    assert mean_difference(drawn, [[-1.5, -2.1], [math.nan]]) == math.inf


def test_healthy_ranks_report_the_highest_difference():
    assert check_together(PlayedEngine(-1.0), PlayedEngine(-1.00005)) == pytest.approx([5e-5, 5e-5])


@pytest.mark.parametrize(
    ("engines", "fault"),
    [
        ((PlayedEngine(-1.0), PlayedEngine(-2.0)), "ignored adapter"),
        ((PlayedEngine(-3.0), PlayedEngine(-3.0)), "stale adapter"),
        ((PlayedEngine(-4.0, afterwards=-1.0), PlayedEngine(-1.0)), "reused name"),
        ((PlayedEngine(-2.0), PlayedEngine(-3.0)), "unknown fault"),
    ],
)
def test_all_ranks_name_the_fault_of_those_that_differ(engines, fault):
    """Two ranks with different faults have no explanation in common."""
    found = check_together(*engines)
    assert [error.fault for error in found] == [fault, fault]
    assert found[0].difference == found[1].difference
