"""The fullest moment of one layer: by hand, and against the simulation of shapes in which that moment is another."""

from dataclasses import replace

import pytest

from leanrl.config.load import load_config
from leanrl.planner.layers.activations import final_norm_bytes, kept_bytes, layer_bytes_per_token, layer_peak_bytes
from leanrl.planner.models.known_models import find_shape
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.phases import train_phases
from leanrl.planner.workload import Workload, workload_of
from leanrl.simulate.fake_model import transformers_config
from leanrl.simulate.step import simulate_step
from tests.planner.sample_runs import SMALL_STEP

# Hidden size 640, MLP 2048: the norm behind an MLP that is little wider than the stream.
GEMMA = find_shape("google/gemma-3-270m-it")
FULL = Workload(prompt_tokens=512, completion_tokens=1536, micro_batch_completions=4, packs_rows=True)
LORA = replace(FULL, method="lora", lora_rank=16, lora_targets=tuple(GEMMA.linears))
TOKENS = 4 * 2048


def at_work(workload: Workload, shape: ModelShape = GEMMA) -> float:
    """Bytes a token beside what the layer saves, the stream's gradient (2h) and the token's number (8)."""
    saved = layer_bytes_per_token(shape, workload)
    return layer_peak_bytes(shape, workload) / workload.micro_batch_tokens - saved - 2 * shape.hidden - 8


def test_a_norm_behind_the_mlp_makes_five_fp32_tensors():
    """20h; of a trained norm the normalised numbers (4h) are gone by then. The MLP would take 4I less 8h + 4."""
    assert at_work(FULL) == 20 * 640 - 4 * 640
    assert at_work(replace(LORA, adapter_bytes_per_param=2)) == 20 * 640


def test_a_wide_mlp_outweighs_the_norm_behind_it():
    """Gate, product and up, 6I, less what the norm has kept of its input, 4h + 4."""
    wide = replace(GEMMA, intermediate=8192)
    narrow = replace(LORA, lora_targets=("q_proj", "v_proj"))
    assert at_work(narrow, wide) == 6 * 8192 - 4 * 640 - 4


@pytest.mark.parametrize(("tokens", "is_dequantised"), [(1000, True), (2000, False)])
def test_a_dequantised_weight_counts_where_it_outweighs_an_mlps_tensors(tokens, is_dequantised):
    """down_proj, 1536 x 8960 in 16 bit, beside the product's gradient; of more than 1536 tokens two of those are more.

    With a 16-bit adapter 4I less the product's 2I are left of an MLP's backward pass.
    """
    shape = find_shape("Qwen/Qwen2.5-1.5B")
    one_row = replace(FULL, prompt_tokens=0, completion_tokens=tokens, micro_batch_completions=1)
    workload = replace(
        one_row, method="qlora", lora_rank=8, lora_targets=tuple(shape.linears), adapter_bytes_per_param=2
    )
    dequantised = 2 * 1536 * 8960 / tokens + 2 * 8960
    assert at_work(workload, shape) == pytest.approx(dequantised if is_dequantised else 4 * 8960)


def test_the_last_norm_of_gemma_keeps_its_numbers_in_fp32():
    assert final_norm_bytes(GEMMA, FULL) == 8 * 640 * TOKENS
    assert final_norm_bytes(replace(GEMMA, family="llama"), FULL) == 6 * 640 * TOKENS
    assert final_norm_bytes(GEMMA, LORA) == 4 * 640 * TOKENS
    assert final_norm_bytes(GEMMA, replace(LORA, tile_tokens=1024)) == 2 * 640 * TOKENS


def test_the_last_norms_backward_pass_can_outweigh_the_head():
    """24h a token, all layers kept: with few words and an MLP not much wider than the stream it is the peak."""
    shape = ModelShape("llama", 2, 512, 1024, 4, 4, 128, 1000, tied=True)
    kept = replace(FULL, activations="kept")
    phases = {phase.name: phase.components for phase in train_phases(shape, kept, kv_bytes=0)}
    assert phases["forward_backward"]["head"] == 24 * 512 * TOKENS


def test_kept_activations_have_no_such_moment_twice():
    """Without checkpointing a layer's backward pass adds the same to what all of them keep."""
    kept = replace(FULL, activations="kept")
    assert layer_peak_bytes(GEMMA, kept) == (18 * 640 + 8) * TOKENS
    assert kept_bytes(GEMMA, kept) == 18 * layer_bytes_per_token(GEMMA, kept) * TOKENS


@pytest.mark.parametrize(
    ("family", "intermediate", "overrides"),
    [
        ("gemma3_text", 1024, {"model.tuning.method": "full"}),
        ("gemma3_text", 1024, {}),
        ("gemma3_text", 1024, {"model.tuning.adapter_dtype": "bfloat16"}),
        ("gemma3_text", 1024, {"model.tuning.targets": '["q_proj","v_proj"]'}),
        ("gemma3_text", 1024, {"train.gradient_checkpointing": "false", "model.tuning.method": "full"}),
        ("gemma3_text", 4096, {"model.tuning.dropout": 0.1}),
        ("qwen2", 1024, {"train.gradient_checkpointing": "false", "model.tuning.method": "full"}),
        ("llama", 4096, {"model.tuning.method": "qlora"}),
        ("llama", 1024, {"model.tuning.dropout": 0.1}),
        ("phi3", 1024, {"model.tuning.dropout": 0.0}),
        ("phi3", 1024, {"model.tuning.dropout": 0.1}),
        ("phi3", 2048, {"model.tuning.method": "qlora", "train.tile_tokens": 256}),
    ],
    ids=str,
)
def test_small_shapes_against_the_simulation(family, intermediate, overrides):
    """Two layers and few words, so that what a layer adds is most of the peak: within 1 %."""
    shape = ModelShape(family, 2, 384, intermediate, 3, 1, 128, 512, tied=True, qkv_bias=family == "qwen2")
    values = SMALL_STEP | {"model.tuning.method": "lora"} | overrides
    config = load_config("plain", [f"{name}={value}" for name, value in values.items()]).config
    planned = {phase.name: phase.bytes for phase in train_phases(shape, workload_of(config, shape), kv_bytes=0)}
    simulated = {phase.name: phase.bytes for phase in simulate_step(config, transformers_config(shape)).phases}
    assert planned["forward_backward"] == pytest.approx(simulated["forward_backward"], rel=0.01)
