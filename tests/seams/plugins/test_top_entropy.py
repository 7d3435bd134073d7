"""Which tokens of a completion keep their loss."""

from math import nan

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from leanrl.config.sections.algorithm import Choice
from leanrl.errors import ConfigError
from leanrl.seams.registry import make_plugin


def _weights(entropies_B_T, mask_B_T=None, **options):
    mask_B_T = torch.ones_like(entropies_B_T) if mask_B_T is None else mask_B_T
    empty = torch.zeros_like(entropies_B_T)
    plugin = make_plugin(Choice("token_weights", "top_entropy", options))
    return plugin(empty, empty, entropies_B_T, empty, mask_B_T)


def test_the_fifth_with_the_highest_entropy():
    entropies = torch.tensor([[0.1, 0.9, 0.2, 0.3, 0.8, 0.0, 0.4, 0.5, 0.6, 0.7]])
    assert _weights(entropies).tolist() == [[0, 1, 0, 0, 1, 0, 0, 0, 0, 0]]
    assert _weights(entropies, share=0.5).tolist() == [[0, 1, 0, 0, 1, 0, 0, 1, 1, 1]]


@pytest.mark.parametrize(
    ("num_tokens", "num_kept"), [(1, 1), (2, 1), (7, 1), (8, 2), (12, 2), (13, 3), (15, 3), (1000, 200)]
)
def test_a_completion_keeps_its_own_share_and_at_least_one(num_tokens, num_kept):
    """round(0.2 n); tokens behind the end are never kept, however uncertain."""
    entropies = torch.rand(1, num_tokens + 5)
    entropies[:, num_tokens:] = 99.0
    mask = (torch.arange(num_tokens + 5) < num_tokens).float()[None]
    kept = _weights(entropies, mask)
    assert kept.sum().item() == num_kept
    assert (kept * (1 - mask)).sum().item() == 0


def test_the_whole_share_keeps_every_token():
    """Then nothing changes against a run without the plug-in."""
    mask = torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    assert _weights(torch.rand(3, 3), mask, share=1.0).tolist() == mask.tolist()


def test_ties_go_to_the_earlier_token():
    assert _weights(torch.zeros(1, 10)).tolist() == [[1, 1] + [0] * 8]
    assert _weights(torch.tensor([[0.0, 1.0, 0.0, 1.0, 1.0]]), share=0.4).tolist() == [[0, 1, 0, 1, 0]]


def test_a_nan_counts_as_the_lowest_and_stays_before_padding():
    entropies = torch.tensor([[nan, 0.2, 0.1, nan, 9.0]])
    mask = torch.tensor([[1.0, 1.0, 1.0, 1.0, 0.0]])
    assert _weights(entropies, mask, share=0.5).tolist() == [[0, 1, 1, 0, 0]]
    assert _weights(entropies, mask, share=0.75).tolist() == [[1, 1, 1, 0, 0]]


def test_tokens_of_no_loss_inside_a_completion_are_left_out():
    entropies = torch.tensor([[0.5, 9.0, 0.1, 0.7]])
    assert _weights(entropies, torch.tensor([[1.0, 0.0, 1.0, 1.0]]), share=0.3).tolist() == [[0, 0, 0, 1]]


def test_the_set_is_the_same_for_any_cut_into_micro_batches():
    """Each row alone, with other padding, in any order; a certain row beside an uncertain one keeps its fraction."""
    torch.manual_seed(0)
    lengths = [40, 7, 23, 1]
    entropies = torch.rand(4, 40) * torch.tensor([1e-3, 1.0, 5.0, 1.0])[:, None]
    mask = (torch.arange(40) < torch.tensor(lengths)[:, None]).float()
    whole = _weights(entropies, mask)
    for row, length in enumerate(lengths):
        assert torch.equal(whole[row : row + 1, :length], _weights(entropies[row : row + 1, :length]))
    assert torch.equal(_weights(entropies.flip(0), mask.flip(0)), whole.flip(0))
    assert whole.sum(dim=1).tolist() == [8, 1, 5, 1]


def test_it_runs_without_a_value_of_a_tensor():
    """As the simulation runs it: fake tensors have shapes and no numbers."""
    with FakeTensorMode():
        found = _weights(torch.empty(3, 17), torch.empty(3, 17))
    assert (found.shape, found.dtype) == ((3, 17), torch.float32)


def test_no_gradient_flows_through_it():
    entropies = torch.rand(2, 10, requires_grad=True)
    assert not _weights(entropies).requires_grad


@pytest.mark.parametrize("share", [0.0, 1.1, -0.2, nan])
def test_a_share_that_keeps_nothing_is_refused(share):
    with pytest.raises(ConfigError) as caught:
        _weights(torch.rand(1, 4), share=share)
    assert [problem.where for problem in caught.value.problems] == ["algorithm.token_weights.share"]
