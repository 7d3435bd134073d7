"""Lengths of completions: their distribution from three numbers, and the longest of a batch."""

import math
import random
from statistics import fmean

import pytest

from leanrl.planner.time.length_profile import LengthDistribution, LengthProfile, profile_of_sample


def test_lengths_that_no_limit_cuts():
    """Without a limit in reach: sigma^2 = ln(1 + 0.6^2), mu = ln(600) - sigma^2 / 2, mean square = 600^2 x 1.36."""
    lengths = LengthProfile(600, 10**6).distribution
    assert lengths.log_sd**2 == pytest.approx(math.log(1.36))
    assert lengths.log_mean == pytest.approx(math.log(600) - math.log(1.36) / 2)
    assert lengths.endless_share == 0
    assert lengths.mean_square(10**6) == pytest.approx(600**2 * 1.36)


@pytest.mark.parametrize(
    ("mean", "limit", "cut"),
    [(600, 1024, 0.1), (600, 1024, 0.3), (2000, 3584, 0.2), (300, 3584, 0.03), (3500, 3584, 0.95), (12, 14, 0.25)],
)
def test_a_profile_gives_back_its_mean_and_its_cut_share(mean, limit, cut):
    lengths = LengthProfile(mean, limit, cut_share=cut).distribution
    assert lengths.mean(limit) == pytest.approx(mean, rel=1e-6)
    assert lengths.cut_share(limit) == pytest.approx(cut, abs=1e-6)


def test_more_is_cut_than_the_spread_leaves():
    """With 600 of 1024 and a spread of 0.6 about 14 % are beyond the limit: of 30 % that are cut, some never end."""
    lengths = LengthProfile(600, 1024, cut_share=0.3).distribution
    assert lengths.log_sd == pytest.approx(math.sqrt(math.log(1.36)))
    assert 0.15 < lengths.endless_share < 0.3
    assert lengths.cut_share(10**6) == pytest.approx(lengths.endless_share)


@pytest.mark.parametrize("cut", [0.05, 0.0])
def test_less_is_cut_than_the_spread_leaves(cut):
    """The spread gives way; a fraction under 1 % counts as 1 %."""
    lengths = LengthProfile(600, 1024, cut_share=cut).distribution
    assert lengths.log_sd < math.sqrt(math.log(1.36))
    assert lengths.cut_share(1024) == pytest.approx(max(cut, 0.01), abs=1e-6)
    assert lengths.mean(1024) == pytest.approx(600)


@pytest.mark.parametrize("profile", [LengthProfile(3584, 3584), LengthProfile(3584, 3584, cut_share=1.0)])
def test_all_completions_are_cut(profile):
    lengths = profile.distribution
    assert (lengths.mean(3584), lengths.cut_share(3584), lengths.longest(1, 3584)) == (3584, 1, 3584)
    assert lengths.mean(5000) == 5000


def test_the_longest_of_a_batch_is_that_of_drawn_ones():
    """20,000 batches of 8 from the same distribution, with a fixed seed; the mean square likewise."""
    lengths = LengthProfile(600, 1024, cut_share=0.3).distribution
    generator = random.Random(3)

    def drawn() -> float:
        if generator.random() < lengths.endless_share:
            return 1024.0
        return min(1024.0, generator.lognormvariate(lengths.log_mean, lengths.log_sd))

    batches = [[drawn() for _ in range(8)] for _ in range(20_000)]
    assert lengths.longest(8, 1024) == pytest.approx(fmean(max(batch) for batch in batches), rel=2e-3)
    assert lengths.mean_square(1024) == pytest.approx(fmean(x * x for batch in batches for x in batch), rel=5e-3)


@pytest.mark.parametrize(("cv", "cut"), [(0.4, 0.0), (0.8, 0.3)])
def test_a_sample_gives_mean_share_and_mean_square(cv, cut):
    """4000 lengths of a known spread."""
    generator = random.Random(7)
    wanted = LengthProfile(400, 1000, cv, cut).distribution
    drawn = [
        1000 if generator.random() < wanted.endless_share
        else min(1000, round(generator.lognormvariate(wanted.log_mean, wanted.log_sd)))
        for _ in range(4000)
    ]  # fmt: skip
    profile = profile_of_sample(drawn, limit_tokens=1000, num_cut=drawn.count(1000), source="a test")
    found = profile.distribution
    assert found.mean(1000) == pytest.approx(fmean(drawn))
    assert found.mean_square(1000) == pytest.approx(fmean(x * x for x in drawn), rel=0.01)
    assert profile.cv == pytest.approx(cv, abs=0.08)


def test_a_sample_near_its_limit_has_the_spread_that_is_left():
    """29 answers of 12 tokens and 3 that are cut at 14: no spread is wider than mean and share allow."""
    profile = profile_of_sample([12] * 29 + [14] * 3, limit_tokens=14, num_cut=3, source="a test")
    assert profile.cv == pytest.approx(profile.distribution.cv, abs=1e-3)
    assert profile.cv < 0.2


def test_a_sample_of_which_all_are_cut():
    profile = profile_of_sample([14] * 32, limit_tokens=14, num_cut=32, source="a test")
    assert profile.distribution.cut_share(14) == 1


@pytest.mark.parametrize("lengths", [LengthDistribution(6.0, 0.5), LengthDistribution(6.0, 1.0, 0.1)])
def test_one_completion_is_as_long_as_the_mean(lengths):
    """The expected longest of one is the mean, whatever the limit: two ways to the same number."""
    for limit in (64, 512, 4096, 65_536):
        assert lengths.longest(1, limit) == pytest.approx(lengths.mean(limit), rel=1e-3)


def test_lengths_grow_with_the_limit_and_the_longest_with_the_batch():
    """What the search for settings relies on: a shorter limit and a smaller batch never take longer."""
    lengths = LengthProfile(2000, 3584, cut_share=0.2).distribution
    limits = [16, 256, 1024, 3584, 8192]
    counts = [1, 2, 6, 72, 512]
    assert sorted(map(lengths.mean, limits)) == [lengths.mean(limit) for limit in limits]
    for limit in limits:
        longest = [lengths.longest(count, limit) for count in counts]
        assert longest == sorted(longest)
        assert longest[-1] <= limit


@pytest.mark.parametrize(
    ("mean", "cut", "says"),
    [
        (0, None, "not between 0 and the limit of 1000"),
        (1001, None, "not between 0 and the limit of 1000"),
        (math.nan, None, "not between"),
        (100, 0.2, "20% that are cut alone make a mean of 200 tokens"),
        (100, 1.0, "where all are cut"),
        (100, 1.5, "1.5 is no fraction"),
        (100, -0.5, "-0.5 is no fraction"),
    ],
)
def test_numbers_that_no_completions_have(mean, cut, says):
    with pytest.raises(ValueError, match=says):
        LengthProfile(mean, 1000, cut_share=cut)


def test_a_profile_says_its_numbers_under_a_limit():
    profile = LengthProfile(600, 10_000, source="a guess")
    assert profile.text_at(10_000) == "mean 600 tokens of at most 10000, 0 % cut (a guess)"
    assert profile.text_at(300) == "mean 288 tokens of at most 300, 83 % cut (a guess)"
