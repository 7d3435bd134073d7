"""The self-test of an adapter on another base, on an engine whose numbers are played.

Token t has log-probability -2 on the trainer's base; the adapter of version 1 adds 0.4 to even tokens, that of version
2 also 0.4 to every third. The engine's base lies `rounding` off, differently for every token.
"""

import math

import pytest

from leanrl.rollout.effect_test import OTHER_BASE_TOLERANCE, EffectTest, beyond, is_absent, share_of
from leanrl.rollout.protocol import Adapter, Completion, GroupRequest, Sampling
from leanrl.rollout.selftest import RolloutMismatchError, its_own

BEFORE = Adapter({}, {})
TOKENS = list(range(120))
REQUESTS = [GroupRequest([1, 2], 4)]
SAMPLING = Sampling(temperature=1.0, max_completion_tokens=121, stop_token_ids=(0,))


def base(token):
    return -2.0


def version_1(token):
    return base(token) + 0.4 * (token % 2 == 0)


def version_2(token):
    return version_1(token) + 0.4 * (token % 3 == 0)


def rounded(policy, size=0.3):
    """What another base makes of a policy: `size` up or down, and the adapter's effect a fifth stronger."""
    return lambda token: base(token) + 1.2 * (policy(token) - base(token)) + size * math.sin(7.0 * token)


class PlayedTrainer:
    def score(self, drawn, *, temperature):
        return [[version_2(token) for token in one.token_ids] for one in drawn]

    def score_base(self, drawn, *, temperature):
        return [[base(token) for token in one.token_ids] for one in drawn]

    def score_with(self, adapter, drawn, *, temperature):
        assert adapter is BEFORE
        return [[version_1(token) for token in one.token_ids] for one in drawn]


class PlayedEngine:
    """Draws from one policy and scores with another; `bare` is what it has without the adapter."""

    def __init__(self, draws, *, scores=None, bare=None, afterwards=None):
        self.draws, self.scores, self.bare = draws, scores or draws, bare or rounded(base)
        self.afterwards = afterwards

    def generate(self, requests, sampling):
        assert sampling.temperature == 1.0
        one = Completion(TOKENS, [self.draws(token) for token in TOKENS])
        return [[one] * request.num_completions for request in requests]

    def score(self, drawn):
        return [[self.scores(token) for token in one.token_ids] for one in drawn]

    def score_without_adapter(self, drawn):
        return [[self.bare(token) for token in one.token_ids] for one in drawn]

    def forget_prefixes(self):
        self.draws = self.afterwards or self.draws


def check(engine, *, sampling=SAMPLING, highest=its_own):
    test = EffectTest(engine, PlayedTrainer(), PlayedTrainer(), sampling, BEFORE, OTHER_BASE_TOLERANCE, highest)
    return test.check(REQUESTS, engine.generate(REQUESTS, SAMPLING))


def test_rounding_of_the_base_is_no_fault():
    """A base that is 0.3 sin off, 0.19 on average, where the trainer and the engine would pass 0.05 at most."""
    assert check(PlayedEngine(rounded(version_2))) > 0.15


@pytest.mark.parametrize(
    ("engine", "fault"),
    [
        (PlayedEngine(rounded(base)), "ignored adapter"),
        (PlayedEngine(rounded(base), scores=rounded(version_2)), "ignored adapter"),
        (PlayedEngine(rounded(version_1)), "stale adapter"),
        (PlayedEngine(rounded(version_1), scores=rounded(version_2), afterwards=rounded(version_2)), "reused name"),
        (PlayedEngine(rounded(version_1), scores=rounded(version_2)), "unknown fault"),
        (PlayedEngine(rounded(version_2, 2.0), bare=rounded(base, 2.0)), "wrong base model"),
        (PlayedEngine(rounded(base, 2.0), bare=rounded(base, 2.0)), "wrong base model"),
    ],
    ids=["ignored everywhere", "ignored in drawing", "stale", "reused name", "unknown", "base", "base and no effect"],
)
def test_each_fault_has_its_name(engine, fault):
    with pytest.raises(RolloutMismatchError) as caught:
        check(engine)
    assert caught.value.fault == fault
    assert caught.value.exit_code == 6


@pytest.mark.parametrize(
    ("others", "fault"),
    [
        ([0.5, 0.01], "ignored adapter"),
        ([0.5, 0.5, 0.01], "reused name"),
        ([0.0, 2.0], "wrong base model"),
        ([0.0, 0.3, 1.0, 0.4], "ignored adapter"),
        ([0.0, 0.3, 0.0, 1.0, 0.4], "stale adapter"),
    ],
)
def test_a_rank_that_sees_nothing_wrong_ends_with_the_one_that_does(others, fault):
    """The other rank's numbers, one for each comparison; this one's would all pass."""
    numbers = iter(others)
    with pytest.raises(RolloutMismatchError) as caught:
        check(PlayedEngine(rounded(version_2)), highest=lambda number: max(number, next(numbers)))
    assert caught.value.fault == fault
    assert list(numbers) == []


def test_another_temperature_or_a_nucleus_is_drawn_anew_without_it():
    for changed in ({"temperature": 0.7}, {"top_p": 0.9}):
        values = {"temperature": 1.0, "max_completion_tokens": 121, "stop_token_ids": (0,)} | changed
        assert check(PlayedEngine(rounded(version_2)), sampling=Sampling(**values)) > 0.15


def test_the_share_of_an_effect():
    """Of [2, 1], [1, 1] has (2 + 1) / 5 = 0.6; [-0.2, 0.4] is left, and sqrt(0.2 / 1 / 5) = 0.2 is the error."""
    share, error = share_of([2.0, 1.0], among=[1.0, 1.0])
    assert (share, round(error, 9)) == (0.6, 0.2)
    assert share_of([0.0, 0.0], among=[1.0, 1.0]) == (0.0, 0.0)


def test_an_effect_is_absent_when_its_share_is_surely_below_a_tenth():
    """Shares 1, 0.2 and 0 of an effect of 0.2 up and down; what is within rounding, 0.04, is not looked for."""
    effect = [0.2 * (-1) ** token for token in TOKENS]
    noise = [0.03 * math.sin(7.0 * token) for token in TOKENS]
    for share, absent in ((1.0, False), (0.2, False), (0.0, True)):
        seen = [share * one + other for one, other in zip(effect, noise, strict=True)]
        assert is_absent(effect, among=seen) is absent
    assert not is_absent([0.2 * one for one in effect], among=noise)
    assert not is_absent(effect, among=[40 * one for one in noise]), "0 is not sure where the noise is six times larger"


def test_an_update_that_only_scales_the_adapter_is_no_effect_of_its_own():
    """Beyond [1, 2], [2, 4] is nothing; of [3, 1], (3 + 2) / 5 = 1 time [1, 2] is known, and [2, -1] is left."""
    assert beyond([2.0, 4.0], [1.0, 2.0]) == [0.0, 0.0]
    assert beyond([3.0, 1.0], [1.0, 2.0]) == [2.0, -1.0]
    assert beyond([3.0, 1.0], [0.0, 0.0]) == [3.0, 1.0]
