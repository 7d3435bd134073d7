"""IcePop: which tokens the rollout engine's other probabilities leave out."""

from math import exp, inf, log, nan

import pytest
import torch

from leanrl.config.sections.algorithm import Choice
from leanrl.errors import ConfigError
from leanrl.seams.registry import make_plugin

LOG_RATIOS = [-2.0, -1.0, -0.5, 0.0, 0.3, 1.0, 2.0]


def _weights(log_ratios, **options):
    logprobs_B_T = torch.tensor([log_ratios], dtype=torch.float64)
    mask_B_T = torch.ones_like(logprobs_B_T)
    return make_plugin(Choice("correction", "icepop", options))(logprobs_B_T, torch.zeros_like(mask_B_T), mask_B_T)


def test_the_worked_ratios():
    """[0.5, 5]: dropped below and above, as it is between."""
    assert _weights(LOG_RATIOS)[0].tolist() == pytest.approx([0, 0, 0.607, 1, 1.350, 2.718, 0], abs=5e-4)


def test_both_bounds_are_inside():
    assert _weights([log(0.5), log(5.0)], low=0.49999, high=5.00001)[0].tolist() == pytest.approx([0.5, 5.0])
    assert _weights([0.0], low=1.0, high=1.0)[0].tolist() == [1.0]


@pytest.mark.parametrize(("sampler", "none", "truncated", "icepop"), [(0.1, 0.07, 0.14, 0.21), (0.2, 0.14, 0.21, 0.21)])
def test_the_worked_bandit(sampler, none, truncated, icepop):
    """Trainer p 0.3, true gradient 0.21: the expectation over the sampler's two actions; the first is right."""
    trained = torch.tensor([[0.3, 0.7]], dtype=torch.float64)
    sampled = torch.tensor([[sampler, 1 - sampler]], dtype=torch.float64)
    mask = torch.ones_like(trained)

    def gradient(weights):
        return (sampled * weights * torch.tensor([[1.0, 0.0]]) * torch.tensor([[0.7, -0.3]])).sum().item()

    given = (trained.log(), sampled.log(), mask)
    assert gradient(make_plugin(Choice("correction", "none", {}))(*given)) == pytest.approx(none)
    assert gradient(make_plugin(Choice("correction", "token_truncate", {}))(*given)) == pytest.approx(truncated)
    assert gradient(make_plugin(Choice("correction", "icepop", {}))(*given)) == pytest.approx(icepop)


def test_a_token_without_the_engines_probability_counts_as_equal():
    logprobs = torch.tensor([[-0.3, -9.0, -1.0]])
    found = make_plugin(Choice("correction", "icepop", {}))(
        logprobs, torch.tensor([[-0.3, nan, nan]]), torch.ones_like(logprobs)
    )
    assert found.tolist() == [[1.0, 1.0, 1.0]]


def test_an_impossible_token_is_dropped_and_never_nan():
    """The engine's probability is 0 (ratio infinite), or the trainer's (ratio 0)."""
    logprobs = torch.tensor([[-1.0, -inf, -1e4]])
    rollout = torch.tensor([[-inf, -1.0, -1.0]])
    found = make_plugin(Choice("correction", "icepop", {}))(logprobs, rollout, torch.ones_like(logprobs))
    assert found.tolist() == [[0.0, 0.0, 0.0]]


def test_no_gradient_flows_through_it():
    logprobs = torch.zeros(1, 3, requires_grad=True)
    found = make_plugin(Choice("correction", "icepop", {}))(logprobs, torch.zeros(1, 3), torch.ones(1, 3))
    assert not found.requires_grad


def test_bounds_that_keep_every_ratio_leave_the_plain_ratio():
    assert _weights(LOG_RATIOS, low=0.0, high=1e9)[0].tolist() == pytest.approx([exp(one) for one in LOG_RATIOS])


@pytest.mark.parametrize("options", [{"low": 1.5}, {"high": 0.5}, {"low": -1.0}, {"high": inf}])
def test_bounds_that_exclude_equality_are_refused(options):
    """So `low` is never above `high`, and a run whose engine agrees is trained."""
    with pytest.raises(ConfigError) as caught:
        _weights([0.0], **options)
    assert [problem.where for problem in caught.value.problems] == [f"algorithm.correction.{name}" for name in options]
