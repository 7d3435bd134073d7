"""Kept layers in a trainer: the gradients of a run that recomputes all of them, for every method."""

import pytest
import torch

from tests.trainer.small_trainer import Notes, small_config, small_trainer
from tests.trainer.test_token_budget import Gradients

NUM_LAYERS = 2


def trained(folder, run_path, *, method, **train):
    """Train two steps and return the gradients of each."""
    dtype = "bfloat16" if method == "qlora" else "float32"
    tuning = {"method": method, "rank": 4, "alpha": 8.0, "dropout": 0.0 if method == "full" else 0.3}
    model = {"id": str(folder), "dtype": dtype, "compute_dtype": dtype, "tuning": tuning}
    sizes = {
        "micro_batch_completions": 2,
        "skip_zero_advantage": False,
        "gradient_checkpointing": True,
        "tile_tokens": 8,
    }
    config = small_config(folder, model=model, train=sizes | train)
    trainer, *_ = small_trainer(config, run_path, listener=Notes())
    gradients = Gradients()
    trainer.add_callback(gradients)
    trainer.train_from(None)
    return gradients.steps


@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
def test_two_steps_have_the_same_gradients_to_the_bit(tiny_model, tmp_path, method):
    """Packed rows, tiles of 8 tokens, four micro-batches, and adapters that drop numbers."""
    if method == "qlora":
        pytest.importorskip("bitsandbytes", reason="QLoRA needs the package bitsandbytes (extra qlora)")
    expected = trained(tiny_model, tmp_path / "none", method=method, gradient_checkpointing=False)
    for kept in range(NUM_LAYERS + 1):
        found = trained(tiny_model, tmp_path / str(kept), method=method, kept_layers=kept)
        assert len(found) == len(expected) == 2
        assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
