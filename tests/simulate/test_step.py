"""The simulated step: the same bytes as the real one, and what it says of each method."""

from typing import Any

import pytest
import torch
from torch.nn import functional
from transformers import AttentionInterface

from leanrl.config.load import load_config
from leanrl.config.schema import RunConfig
from leanrl.planner.memory.optimizer_state import step_buffer_bytes
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.phases import train_phases
from leanrl.planner.workload import workload_of
from leanrl.simulate.fake_model import materialise, meta_policy, transformers_config
from leanrl.simulate.step import count_step, simulate_step
from leanrl.simulate.tracker import StorageTracker

SHAPE = ModelShape("qwen2", 3, 128, 384, 4, 2, 32, 2048, tied=False, qkv_bias=True)


def config_of(**overrides: Any) -> RunConfig:
    values = {
        "rollout.engine": "hf",
        "rollout.max_prompt_tokens": 64,
        "rollout.max_completion_tokens": 192,
        "rollout.max_model_tokens": 256,
        "train.num_prompts": 2,
        "train.num_completions": 2,
        "train.micro_batch_completions": 2,
        "train.max_tokens_per_micro_batch": "null",
        "model.tuning.rank": 8,
        "model.tuning.dropout": 0.0,
    } | {name.replace("__", "."): value for name, value in overrides.items()}
    return load_config("plain", [f"{name}={value}" for name, value in values.items()]).config


def phases_of(config: RunConfig, shape: ModelShape = SHAPE) -> dict[str, dict[str, int]]:
    return {phase.name: phase.categories for phase in simulate_step(config, transformers_config(shape)).phases}


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("checkpointing", ["true", "false"])
def test_real_tensors_give_the_same_bytes(method, checkpointing):
    """Every operator's result, on real tensors and on fake ones, by phase and category."""

    def attend(module, query, key, value, mask, **_):
        output = functional.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)
        return output.transpose(1, 2).contiguous(), None

    AttentionInterface.register("causal_without_mask", attend)
    config = config_of(model__tuning__method=method, train__gradient_checkpointing=checkpointing)

    def peaks(context: Any) -> Any:
        policy = meta_policy(transformers_config(SHAPE), config.model)
        policy.set_attn_implementation("causal_without_mask")
        tracker = StorageTracker()
        with context:
            materialise(policy)
            for tensor in policy.parameters():
                torch.nn.init.constant_(tensor, 0.01)
            count_step(config, policy, reference=None, tracker=tracker)
        return tracker.peaks

    real, fake = peaks(torch.random.fork_rng()), peaks(torch._subclasses.FakeTensorMode())
    assert [(peak.name, peak.bytes, peak.categories) for peak in real] == [
        (peak.name, peak.bytes, peak.categories) for peak in fake
    ]


def test_adapters_are_counted_by_hand():
    """Rank 8 on seven linear layers of three decoder layers, in fp32, with two moments and a gradient."""
    numbers = 3 * 8 * sum(sum(sizes) for sizes in SHAPE.linears.values())
    phases = phases_of(config_of(model__tuning__method="lora"))
    assert phases["optimizer_step"]["adapter"] == pytest.approx(4 * numbers, rel=0.01)
    assert phases["optimizer_step"]["gradients"] == pytest.approx(4 * numbers, rel=0.01)
    # AdamW counts its steps in a scalar a tensor, and each takes a block of 512 bytes.
    assert phases["optimizer_step"]["optimizer state"] == 2 * phases["optimizer_step"]["adapter"] + 42 * 512
    assert phases["load"]["weights"] == pytest.approx(2 * SHAPE.num_params, rel=0.01)


def test_micro_batches_that_fit_into_one_tile():
    """They run whole. Without checkpoints they hold more than the longest, whose MLPs keep their inputs alone."""
    values = {"model__tuning__method": "lora", "train__gradient_checkpointing": "false"}
    tiled = {"train__num_completions": 4, "train__micro_batch_completions": 4, "train__tile_tokens": 760}
    of_one_tile = {  # 3 x 253 tokens, where the longest are 4 x 256
        "train__num_completions": 3,
        "train__micro_batch_completions": 3,
        "train__tile_tokens": "null",
        "rollout__max_prompt_tokens": 61,
        "rollout__max_model_tokens": 253,
    }
    runs = [config_of(**values, **sizes) for sizes in (tiled, of_one_tile)]
    peaks = [phases_of(config)["forward_backward"] for config in runs]
    assert peaks[0] == peaks[1]
    plans = [train_phases(SHAPE, workload_of(config, SHAPE), kv_bytes=0) for config in runs]
    planned = [phase.components for plan in plans for phase in plan if phase.name == "forward_backward"]
    assert planned[0] == planned[1]


def test_checkpointed_micro_batches_that_fit_into_one_tile_hold_less():
    values = {"train__num_completions": 4, "train__micro_batch_completions": 4, "train__tile_tokens": 760}
    workload = workload_of(config_of(model__tuning__method="lora", **values), SHAPE)
    assert workload.is_tiled
    longest, whole = (
        {phase.name: phase.bytes for phase in train_phases(SHAPE, one, kv_bytes=0)}["forward_backward"]
        for one in (workload, workload.longest_untiled)
    )
    assert whole < longest


def test_reference_passes():
    lora = phases_of(config_of(model__tuning__method="lora", algorithm__kl_beta=0.04))
    assert "reference" not in lora["forward_backward"], "an adapter is switched off, nothing is held"
    full = {"model__tuning__method": "full", "algorithm__kl_beta": 0.04}
    kept = phases_of(config_of(**full))
    assert kept["forward_backward"]["reference"] == pytest.approx(2 * SHAPE.num_params, rel=0.01)
    for place in ("host", "disk"):
        away = phases_of(config_of(**full, train__reference_device=place))
        assert away["reference"]["reference"] == kept["reference"]["reference"]
        assert "reference" not in away["forward_backward"]


def test_stand_ins_are_named():
    lora = simulate_step(config_of(model__tuning__method="lora"), transformers_config(SHAPE))
    assert lora.stand_ins == ()
    qlora = simulate_step(
        config_of(model__tuning__method="qlora", optimizer__name="adamw_8bit_paged"), transformers_config(SHAPE)
    )
    assert [name.split()[0] for name in qlora.stand_ins] == ["NF4", "8-bit", "optimizer"]
    assert qlora.peak.bytes < lora.peak.bytes
    assert "optimizer state" not in qlora.peak.categories


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_state_in_host_memory_visits_the_card_as_planned(dtype):
    """That of the largest weight and, of 16-bit weights, a slice in fp32 while it is rounded."""
    config = config_of(
        model__tuning__method="full", optimizer__name="adamw_8bit_paged", model__dtype=dtype, model__compute_dtype=dtype
    )
    simulated = phases_of(config)["optimizer_step"]["optimizer buffers"]
    assert simulated == pytest.approx(step_buffer_bytes(SHAPE, workload_of(config, SHAPE)), rel=0.01)


def test_dropout_keeps_masks_and_copies():
    """A mask of one byte a number, and of what several adapters read, or attention keeps too, a bf16 copy for each."""
    values = {"train__gradient_checkpointing": "false", "train__tile_tokens": "null"}
    plain, dropped = (phases_of(config_of(model__tuning__dropout=rate, **values)) for rate in (0, 0.1))
    tokens = 2 * 256
    masks = 3 * tokens * sum(inputs for inputs, _ in SHAPE.linears.values())
    more = dropped["forward_backward"]["activations"] - plain["forward_backward"]["activations"]
    # q, k, v three for one, o one for none, gate and up two for one, in three layers.
    copies = 3 * tokens * 2 * 4 * SHAPE.hidden
    # The peak is in the backward pass of the last MLP, which has let go of down_proj's mask.
    assert more == copies + masks - tokens * SHAPE.intermediate


@pytest.mark.parametrize("family", ["llama", "mistral", "qwen3", "gemma3_text", "phi3"])
def test_families(family):
    shape = ModelShape(family, 2, 128, 384, 4, 2, 32, 2048, tied=True)
    phases = phases_of(config_of(model__tuning__method="lora"), shape)
    assert phases["load"]["weights"] == pytest.approx(2 * shape.num_params, rel=0.02)
