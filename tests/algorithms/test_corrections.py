"""Importance weights and the mismatch they correct, worked by hand."""

import math

import pytest
import torch

from leanrl.algorithms.corrections import log_ratios, masked_ratios, rollout_mismatch, truncated_ratios

LIMITS = {"clip": 2.0, "mask_low": 0.9, "mask_high": 1.1}
# Ratios of three completions: 1 and 3; 1.05, 1.05 and 0.95; padding behind them.
RATIOS = torch.tensor([[1.0, 3.0, 1.0], [1.05, 1.05, 0.95], [0.5, 1.0, 1.0]])
MASK = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
ENGINE = torch.full((3, 3), -1.0)


def test_tokens_are_cut_at_the_clip():
    expected = torch.tensor([[1.0, 2.0, 1.0], [1.05, 1.05, 0.95], [0.5, 1.0, 1.0]])
    assert torch.allclose(truncated_ratios(ENGINE + RATIOS.log(), ENGINE, clip=2.0), expected)


def test_a_completion_far_away_on_the_geometric_mean_is_left_out():
    """sqrt(3) = 1.73 lies outside [0.9, 1.1]; (1.05 * 1.05 * 0.95)^(1/3) = 1.0156 inside; no token: 1."""
    expected = torch.tensor([[0.0, 0.0, 0.0], [1.05, 1.05, 0.95], [0.5, 1.0, 1.0]])
    assert torch.allclose(masked_ratios(ENGINE + RATIOS.log(), ENGINE, MASK, **LIMITS), expected)


def test_length_alone_leaves_nothing_out():
    """4000 tokens at 1.01 each: the product is 1.9e17, the geometric mean 1.01."""
    logprobs = torch.full((1, 4000), math.log(1.01))
    weights = masked_ratios(logprobs, torch.zeros(1, 4000), torch.ones(1, 4000), **LIMITS)
    assert torch.allclose(weights, torch.tensor(1.01))


def test_a_token_that_the_engine_did_not_score_is_not_corrected():
    engine = torch.tensor([[torch.nan, -1.0]])
    logprobs = torch.tensor([[-2.0, -1.5]])
    assert log_ratios(logprobs, engine).tolist() == [[0.0, -0.5]]
    weights = truncated_ratios(logprobs, engine, clip=2.0)
    assert weights.tolist()[0] == pytest.approx([1.0, math.exp(-0.5)])


def test_no_gradient_flows_through_the_weights():
    logprobs = torch.zeros(1, 2, requires_grad=True)
    assert not truncated_ratios(logprobs, torch.zeros(1, 2), clip=2.0).requires_grad


def test_mismatch_of_equal_ratios():
    """Every ratio 1.5: all quantiles are 1.5 and no token counts for more than another."""
    report = rollout_mismatch([math.log(1.5)] * 10)
    assert report.logprob_difference_mean == pytest.approx(math.log(1.5))
    assert (report.ratio_p01, report.ratio_p50, report.ratio_p99) == pytest.approx((1.5, 1.5, 1.5))
    assert report.effective_share == pytest.approx(1.0)


def test_mismatch_is_raw():
    """Ratios 1, 1, 1, 5: (1 + 1 + 1 + 5)^2 / (1 + 1 + 1 + 25) / 4 = 64 / 112; nothing is cut at 2."""
    report = rollout_mismatch(torch.tensor([1.0, 1.0, 1.0, 5.0]).log())
    assert report.logprob_difference_max == pytest.approx(math.log(5))
    assert report.logprob_difference_mean == pytest.approx(math.log(5) / 4)
    assert report.ratio_p50 == pytest.approx(1.0)
    assert report.ratio_p99 == pytest.approx(1 + 0.97 * 4)  # at place 0.99 * 3 = 2.97 of the sorted four
    assert report.effective_share == pytest.approx(64 / 112)


def test_mismatch_without_a_token():
    assert rollout_mismatch([]) is None
