"""What the dtype of an adapter costs, in the plan."""

import pytest

from leanrl.config.load import load_config
from leanrl.planner.plan import plan_run

# DeepSeek-R1-Distill-Qwen-1.5B, rank 32 on seven linear layers of 28: 36.9 M weights (Tina's own count).
_WEIGHTS = 36_929_536


def components(dtype: str) -> dict[str, int]:
    config = load_config("single-gpu-lora", [f"model.tuning.adapter_dtype={dtype}"]).config
    phases = plan_run(config, host_bytes=2**36).gpus[0].phases
    return next(phase for phase in phases if phase.name == "optimizer_step").components


@pytest.mark.parametrize(("dtype", "size"), [("float32", 4), ("bfloat16", 2)])
def test_weights_and_both_moments_have_the_adapters_dtype(dtype: str, size: int) -> None:
    """2 or 4 bytes for each weight, and twice that for Adam's moments."""
    found = components(dtype)
    assert found["adapter"] == size * _WEIGHTS
    assert found["optimizer state"] == 2 * size * _WEIGHTS


@pytest.mark.parametrize(("dtype", "expected"), [("float32", 2 * _WEIGHTS), ("bfloat16", 0)])
def test_autocast_keeps_a_copy_of_a_finer_adapter(dtype: str, expected: int) -> None:
    """2 bytes for each weight of an fp32 adapter where nothing is tiled; a bfloat16 adapter needs no cast."""
    settings = [f"model.tuning.adapter_dtype={dtype}", "train.tile_tokens=null"]
    phases = plan_run(load_config("single-gpu-lora", settings).config, host_bytes=2**36).gpus[0].phases
    found = next(phase for phase in phases if phase.name == "forward_backward").components
    assert found.get("adapter casts", 0) == expected
