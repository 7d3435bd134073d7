"""Operations of a step, counted without computing its products."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.training.operations import FORMULAS, OperationCounter
from benchmarks.training.train_step_case import LEANRL, TRL, Case, Scale, savings
from benchmarks.training.train_step_sides import Side, locate

MIX = Case("lora", 0.0, "mix")
TINY = Scale(num_prompts=3, group=4, micro_batch=4, divisor=64, tile_tokens=16)


def _side(name, folder, scale=TINY, **changes):
    train = {saving.key: saving.on for saving in savings(MIX, scale, device="cpu")} | changes
    located = locate("cpu", tiny=True, folder=folder / "model")
    return Side(name, MIX, scale, folder=folder / "side", located=located, device="cpu", train=train)


@pytest.mark.parametrize(("recomputes", "products"), [(False, 3), (True, 4)])
def test_a_layer_by_hand(recomputes, products):
    """3 tokens through 4 x 5 weights: 2 * 3 * 4 * 5 forward, the same for each gradient, and again to recompute."""
    tokens, weight = torch.randn(3, 4, requires_grad=True), torch.randn(5, 4, requires_grad=True)

    def layer(tokens):
        return functional.linear(tokens, weight).sin()  # its gradient needs the product, so that is recomputed

    with OperationCounter() as counter:
        (checkpoint(layer, tokens, use_reentrant=False) if recomputes else layer(tokens)).sum().backward()
    assert counter.total == products * 120
    assert tokens.grad.shape == (3, 4)


def test_a_product_that_is_added_in_place_counts():
    """The tiled head adds its gradients so; torch's own counter does not see them."""
    total = torch.zeros(3, 5)
    with OperationCounter() as counter, FlopCounterMode(display=False) as torchs:
        total.addmm_(torch.randn(3, 4), torch.randn(4, 5))
    assert (counter.total, torchs.get_total_flops()) == (120, 0)


@pytest.mark.parametrize("mask", [{"is_causal": True}, {"attn_mask": torch.ones(8, 8, dtype=torch.bool).tril()}])
def test_attention_is_a_whole_square_whatever_its_mask(mask):
    """2 rows of 3 heads, 8 tokens, 4 numbers: two products forward, five backward, of 2 * 8 * 8 * 4 for each head."""
    query = torch.randn(2, 3, 8, 4, requires_grad=True)
    with OperationCounter() as counter:
        functional.scaled_dot_product_attention(query, query, query, **mask).sum().backward()
    assert counter.total == 7 * 6 * 512


def test_a_product_without_a_formula_is_refused():
    with OperationCounter(), pytest.raises(NotImplementedError, match=r"aten\.mv has no formula"):
        torch.mv(torch.randn(3, 4), torch.randn(4))


class _WhileItComputes(TorchDispatchMode):
    """Counts by the same formulas, with the numbers that products really have."""

    total = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        formula = FORMULAS.get(func._overloadpacket)
        self.total += 0 if formula is None else formula(*args, **(kwargs or {}), out_val=found)
        return found


def test_trls_step_has_the_operations_that_torch_counts(tmp_path):
    side = _side(TRL, tmp_path)
    torchs = FlopCounterMode(display=False)
    torchs.flop_registry |= FORMULAS
    with torchs:
        side.take()
    assert side.count() == torchs.get_total_flops() > 1e6


def test_leanrls_step_has_the_operations_of_one_that_computes(tmp_path):
    """torch's counter hooks modules as well, which tiles do not bear."""
    side = _side(LEANRL, tmp_path)
    with _WhileItComputes() as computing:
        side.take()
    assert side.count() == computing.total > 1e6


def test_groups_without_variance_cost_leanrl_nothing_and_trl_the_same(tmp_path):
    """Two of three groups are left, then one: operations fall with the tokens that are passed through."""
    found = {
        (name, num_flat): _side(
            name, tmp_path / f"{name}-{num_flat}", replace(TINY, share_without_variance=num_flat / 3)
        ).count()
        for name in (TRL, LEANRL)
        for num_flat in range(3)
    }
    assert found[TRL, 0] == found[TRL, 1] == found[TRL, 2] > found[LEANRL, 0] > found[LEANRL, 1] > found[LEANRL, 2]


def test_recomputation_counts(tmp_path):
    """Attention runs forward once more, and less than a third of all: tiles run MLPs again in either case."""
    kept = _side(LEANRL, tmp_path / "kept", gradient_checkpointing=False).count()
    again = _side(LEANRL, tmp_path / "again").count()
    assert 1.1 * kept < again < 4 / 3 * kept
