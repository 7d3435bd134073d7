"""What an fp32 adapter reads from a bf16 base: under autocast PEFT casts nothing, and the numbers are the same."""

import pytest
import torch

from leanrl.config.schema import TrainConfig
from leanrl.engine.prepare import prepare_model
from tests.engine.layers.test_tiles import gradients, model_of


def _policy(*, is_prepared, **choices):
    model = model_of(dtype=torch.bfloat16, method="lora", **choices)
    for weight in model.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()
    if is_prepared:
        prepare_model(model.get_base_model(), TrainConfig(tile_tokens=None))
    return model


def _kept_bytes(model):
    """Return the loss and gradients, and the bytes of all storages that wait for the backward pass."""
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        found = gradients(model)
    return found, sum(kept.values())


@pytest.mark.parametrize("checkpointing", [True, False])
def test_under_autocast_gradients_are_the_same_to_the_bit(checkpointing):
    with torch.autocast("cpu", torch.bfloat16):
        loss, expected = gradients(_policy(is_prepared=False, checkpointing=checkpointing))
        same_loss, same = gradients(_policy(is_prepared=True, checkpointing=checkpointing))
    assert torch.equal(loss, same_loss)
    assert expected.keys() == same.keys()
    assert all(torch.equal(gradient, same[name]) for name, gradient in expected.items())


def test_layers_that_read_one_tensor_keep_it_once():
    """Query, key and value projections of two layers keep one tensor instead of three, gate and up one of two.

    Of 84 padded tokens of 32 bf16 numbers at least: 2 layers x 3 copies x 84 x 32 x 2 bytes.
    """
    with torch.autocast("cpu", torch.bfloat16):
        _, before = _kept_bytes(_policy(is_prepared=False, checkpointing=False))
        _, after = _kept_bytes(_policy(is_prepared=True, checkpointing=False))
    assert before - after >= 2 * 3 * 84 * 32 * 2


def test_without_autocast_peft_still_casts():
    """Rollouts generate without it, and an fp32 adapter cannot read bf16."""
    tokens_B_S = torch.randint(2, 64, (2, 9), generator=torch.Generator().manual_seed(0))
    plain, prepared = _policy(is_prepared=False), _policy(is_prepared=True)
    with torch.no_grad():
        assert torch.equal(plain(tokens_B_S).logits, prepared(tokens_B_S).logits)
