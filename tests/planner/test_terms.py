"""Single terms against arithmetic by hand, and against peaks of a simulated step at the 1.5B shape.

The simulated peaks (GiB, fake tensors, never a GPU) are those of the model's real code, 6 rows of 512 + 3584 tokens,
16-bit weights and Adam moments, gradients of an earlier micro-batch present for full parameters. Where the head is
tiled, the peak is in a layer, so the simulation's other tiling does not matter.
"""

from dataclasses import replace

import pytest

from leanrl.planner.layers.activations import kept_bytes, layer_bytes_per_token, layer_peak_bytes, position_bytes
from leanrl.planner.layers.head import head_backward_bytes
from leanrl.planner.memory.gradients import (
    gradient_bytes,
    gradient_bytes_behind,
    last_gradient_bytes,
    reduced_gradient_bytes,
    resident_bucket_bytes,
)
from leanrl.planner.memory.kv_cache import kv_bytes_per_token, sequence_kv_bytes
from leanrl.planner.memory.optimizer_state import host_optimizer_bytes, optimizer_bytes, step_buffer_bytes
from leanrl.planner.memory.rollout_engine import lora_buffer_bytes
from leanrl.planner.memory.weights import (
    adapter_params,
    arriving_reference_bytes,
    base_bytes,
    gathered_bytes,
    nf4_bytes,
    visiting_reference_bytes,
)
from leanrl.planner.models.known_models import KNOWN_MODELS
from leanrl.planner.models.shapes import shape_from_config
from leanrl.planner.phases import train_phases
from leanrl.planner.workload import Workload
from tests.planner.family_sizes import SIZES
from tests.planner.sample_runs import DISTILL, GIB

SHAPE = KNOWN_MODELS[DISTILL]
PARAMS = 1_777_088_000
FULL = Workload(
    micro_batch_completions=6, num_micro_batches=2, completions_per_rank=12, prompt_tokens=512, completion_tokens=3584
)
LORA = replace(
    FULL,
    method="lora",
    lora_rank=32,
    lora_targets=tuple(SHAPE.linears),
    adapter_bytes_per_param=2,
    num_micro_batches=1,
)


@pytest.mark.parametrize(
    ("workload", "simulated_gib"),
    [
        (replace(FULL, head="naive"), 27.66),
        (replace(FULL, head="naive_fp32"), 64.17),
        (FULL, 18.47),
        (replace(FULL, head="naive", activations="kept"), 92.01),
        (replace(LORA, head="naive"), 17.80),
        (LORA, 8.62),
        (replace(LORA, method="qlora"), 6.81),
    ],
)
def test_peak_of_a_simulated_step(workload, simulated_gib):
    """The formula stays within 1.5 % of the simulation, of which its coefficients were read off (no blind test)."""
    phases = {phase.name: phase.bytes for phase in train_phases(SHAPE, workload, kv_bytes=0)}
    assert phases["forward_backward"] / GIB == pytest.approx(simulated_gib, rel=0.015)


def test_layer_of_a_bf16_qwen2():
    """Kept: 8I + 20h + 4kv + 4nh + 8 with I 8960, h 1536, kv 256, nh 12. Peak: 12I + 22h + 4kv + 4nh + 16."""
    assert layer_bytes_per_token(SHAPE, FULL) == 8 * 8960 + 20 * 1536 + 4 * 256 + 4 * 12 + 8
    tokens = 6 * 4096
    assert layer_peak_bytes(SHAPE, FULL) == tokens * (12 * 8960 + 22 * 1536 + 4 * 256 + 4 * 12 + 16)


def test_positions_of_a_pack_and_of_padded_rows():
    """Cosines and sines of 128 numbers a token in bf16, of all six rows or of one; both kinds of layers have theirs."""
    assert position_bytes(SHAPE, replace(FULL, packs_rows=True)) == 2 * 128 * 2 * 6 * 4096
    assert position_bytes(SHAPE, FULL) == 2 * 128 * 2 * 4096
    for num_sliding, pairs in ((0, 1), (20, 2), (28, 1)):
        gemma = replace(SHAPE, family="gemma3_text", sliding_window=512, num_sliding_layers=num_sliding)
        assert position_bytes(gemma, FULL) == pairs * 2 * 128 * 2 * 4096


def test_layer_under_a_16_bit_adapter():
    """No weight of a norm is trained: 2 x 2h less; x A of seven layers, 2 bytes x rank 32, more."""
    kept = 8 * 8960 + 16 * 1536 + 4 * 256 + 4 * 12 + 8 + 14 * 32
    assert layer_bytes_per_token(SHAPE, LORA) == kept


def test_adapter_on_queries_and_values_keeps_less():
    """Without an adapter nobody needs the MLP's input (2h) and product (2I), and two layers' x A remain."""
    narrow = replace(LORA, lora_targets=("q_proj", "v_proj"))
    assert layer_bytes_per_token(SHAPE, LORA) - layer_bytes_per_token(SHAPE, narrow) == 2 * 1536 + 2 * 8960 + 10 * 32


def test_dropout_gives_each_adapter_an_input_of_its_own():
    """bf16: q, k, v three for one shared, o one for none (attention keeps its own), gate, up two for one; and masks.

    A mask has a byte for each number: of six inputs of 1536, and of down_proj's of 8960.
    """
    fp32 = replace(LORA, adapter_bytes_per_param=4)
    assert layer_bytes_per_token(SHAPE, fp32) == layer_bytes_per_token(SHAPE, LORA)
    more = layer_bytes_per_token(SHAPE, replace(fp32, lora_dropout=0.1)) - layer_bytes_per_token(SHAPE, LORA)
    assert more == (2 + 1 + 1) * 2 * 1536 + 6 * 1536 + 8960


def test_checkpoints_double_with_an_fp32_stream():
    """28 layer inputs of 1536 numbers and 24,576 tokens: 2 bytes each in bf16, 4 under autocast with fp32 weights."""
    assert kept_bytes(SHAPE, FULL) == 28 * 1536 * 24_576 * 2
    assert kept_bytes(SHAPE, replace(FULL, weight_bytes_per_param=4)) == 28 * 1536 * 24_576 * 4
    assert kept_bytes(SHAPE, replace(FULL, activations="offloaded")) == 2 * 1536 * 24_576 * 2


def test_adapter_parameters():
    """Rank 32 on seven layers: 28 x 32 x (q 3072, k and v 2 x 1792, o 3072, gate, up, down 3 x 10,496)."""
    assert adapter_params(SHAPE, LORA) == 28 * 32 * (3072 + 2 * 1792 + 3072 + 3 * 10_496) == 36_929_536


def test_nf4_base():
    """Linear weights (46,792,704 a layer without norms and biases) at 0.515869 bytes; the other 466,892,288 at 2."""
    linear = 28 * 46_792_704
    assert nf4_bytes(SHAPE) == int(linear * 0.515869140625) + 2 * (PARAMS - linear)
    assert nf4_bytes(SHAPE) / GIB == pytest.approx(1.50, abs=0.005)


@pytest.mark.parametrize(
    ("sharding", "weights", "gradients", "reduced", "states"),
    [
        # bytes a parameter on each of 3 ranks while two micro-batches accumulate; Adam with fp32 where masters exist
        ("ddp", 2, 2, 0, 4),  # views of the buckets by then
        ("fsdp2", 4 / 3, 4, 4 / 3, 8 / 3),
        ("zero1", 2, 2, 2, 12 / 3),
        ("zero2", 2, 2 / 3, 2 / 3, 12 / 3),
        ("zero3", 2 / 3, 2 / 3, 2 / 3, 12 / 3),
    ],
)
def test_shards(sharding, weights, gradients, reduced, states):
    masters = 4 if sharding == "fsdp2" else 2
    workload = replace(FULL, sharding=sharding, num_ranks=3, weight_bytes_per_param=masters)
    assert base_bytes(SHAPE, workload) == pytest.approx(weights * PARAMS, abs=2)
    assert gradient_bytes(SHAPE, workload) == pytest.approx(gradients * PARAMS, abs=2)
    assert reduced_gradient_bytes(SHAPE, workload) == pytest.approx(reduced * PARAMS, abs=2)
    assert optimizer_bytes(SHAPE, workload) == pytest.approx(states * PARAMS, abs=2)


def test_one_micro_batch_needs_no_whole_gradients():
    workload = replace(FULL, sharding="fsdp2", num_ranks=3, weight_bytes_per_param=4, num_micro_batches=1)
    assert gradient_bytes(SHAPE, workload) == 4 * PARAMS // 3


def test_resharding_gathers_two_layers_and_the_root():
    """Root: two tables of 233,373,696 and a norm of 1536; a layer has 46,797,824 parameters."""
    workload = replace(FULL, sharding="fsdp2_reshard", num_ranks=3, weight_bytes_per_param=4)
    assert gathered_bytes(SHAPE, workload) == 2 * (2 * 233_373_696 + 1536 + 2 * 46_797_824)


@pytest.mark.parametrize(
    ("name", "weight_bytes", "on_card", "on_host"),
    [
        ("adamw", 2, 4, 0),
        ("adamw", 4, 8, 0),
        ("adamw_8bit", 2, 2 + 8 / 256, 0),
        ("adamw_8bit_paged", 2, 0, 2 + 8 / 256),
        ("adamw_offloaded", 2, 0, 12),  # with masters, since the card's weights are 16-bit
        ("adamw_offloaded", 4, 0, 8),
    ],
)
def test_optimizer_state(name, weight_bytes, on_card, on_host):
    workload = replace(FULL, optimizer=name, weight_bytes_per_param=weight_bytes)
    assert optimizer_bytes(SHAPE, workload) == pytest.approx(on_card * PARAMS, abs=2)
    assert host_optimizer_bytes(SHAPE, workload) == pytest.approx(on_host * PARAMS, abs=2)


def test_an_fp32_adapter_needs_no_masters():
    """8 bytes of moments for each of 36,929,536 parameters, although the base is 16-bit."""
    workload = replace(LORA, adapter_bytes_per_param=4, optimizer="adamw_offloaded")
    assert host_optimizer_bytes(SHAPE, workload) == 8 * adapter_params(SHAPE, workload)


@pytest.mark.parametrize(
    ("name", "weight_bytes", "expected"),
    [
        ("adamw", 4, 0),
        ("adamw_8bit", 2, 0),
        ("adamw_offloaded", 2, 0),
        # the head of 151,936 x 1,536 weights: 2 + 8 / 256 bytes each; 16-bit weights are rounded in slices of 2**24
        ("adamw_8bit_paged", 4, 474_040_320),
        ("adamw_8bit_paged", 2, 474_040_320 + 12 * 2**24),
    ],
)
def test_what_an_optimizer_needs_on_the_card_while_it_updates(name, weight_bytes, expected):
    workload = replace(FULL, optimizer=name, weight_bytes_per_param=weight_bytes)
    assert step_buffer_bytes(SHAPE, workload) == pytest.approx(expected, abs=2)


@pytest.mark.parametrize(("num_micro_batches", "beside"), [(1, None), (2, 2 * 36_929_536)])
def test_gradients_are_beside_the_buckets_until_ranks_exchange_them(num_micro_batches, beside):
    """DDP's buckets stay in every phase; the peak of a single micro-batch comes before its gradients."""
    workload = replace(LORA, sharding="ddp", num_ranks=4, num_micro_batches=num_micro_batches)
    assert resident_bucket_bytes(SHAPE, workload) == 2 * 36_929_536
    phases = {phase.name: phase.components for phase in train_phases(SHAPE, workload, kv_bytes=0)}
    assert all(phase["gradient buckets"] == 2 * 36_929_536 for phase in phases.values())
    assert phases["forward_backward"].get("gradients") == beside
    assert "gradients" not in phases["optimizer_step"]


def test_completions_are_drawn_without_gradients_and_where_it_is_parked_without_the_optimizers_state():
    workload = replace(FULL, engine="vllm-colocate", engine_model_tokens=4096)
    for parks_optimizer, state_bytes in ((False, 4 * PARAMS), (True, 0)):
        parked = replace(workload, parks_optimizer=parks_optimizer)
        phases = {phase.name: phase.components for phase in train_phases(SHAPE, parked, kv_bytes=GIB)}
        assert "gradients" not in phases["rollout"]
        assert phases["rollout"].get("optimizer state", 0) == state_bytes
        assert phases["forward_backward"]["gradients"] == 2 * PARAMS
        assert phases["optimizer_step"]["optimizer state"] == 4 * PARAMS


def test_ranks_exchange_in_a_pass_of_one_token():
    """It runs without tiles: autocast keeps its casts of an MLP then, beside all gradients."""
    workload = replace(
        FULL, sharding="ddp", num_ranks=2, weight_bytes_per_param=4, num_micro_batches=1, tile_tokens=2,
        micro_batch_completions=1, prompt_tokens=2, completion_tokens=2,
    )  # fmt: skip
    moment = {phase.name: phase.components for phase in train_phases(SHAPE, workload, kv_bytes=0)}["forward_backward"]
    assert moment["gradients"] == 4 * PARAMS
    assert moment["gathered weights"] == 2 * SHAPE.linear_params
    assert "gradient buffers" not in moment


@pytest.mark.parametrize("place", ["host", "disk"])
@pytest.mark.parametrize("stored", [2, 4])
def test_a_reference_visits_as_it_is_stored(stored, place):
    workload = replace(FULL, reference=place, reference_bytes_per_param=stored)
    assert visiting_reference_bytes(SHAPE, workload) == stored * PARAMS
    phases = {phase.name: phase.components for phase in train_phases(SHAPE, workload, kv_bytes=0)}
    assert phases["reference"]["visiting reference"] == stored * PARAMS
    assert "reference" not in phases["forward_backward"]


@pytest.mark.parametrize("place", ["gpu", "host"])
def test_of_a_reference_that_ranks_share_two_layers_visit(place):
    """And what is around the layers; its shards are on the card or not."""
    workload = replace(FULL, reference=place, sharding="fsdp2", num_ranks=3)
    gathered = PARAMS - 26 * SHAPE.params_per_layer
    assert visiting_reference_bytes(SHAPE, workload) == 2 * gathered
    phases = {phase.name: phase.components for phase in train_phases(SHAPE, workload, kv_bytes=0)}
    assert ("reference" in phases["optimizer_step"]) == (place == "gpu")


def test_a_shared_reference_arrives_twice():
    """What ranks send of the first layer and of what is around the layers lies beside the tensors made of it."""
    workload = replace(FULL, reference="gpu", sharding="fsdp2", num_ranks=3, weight_bytes_per_param=4)
    assert arriving_reference_bytes(SHAPE, workload) == 2 * 2 * (PARAMS - 27 * SHAPE.params_per_layer)
    one_token = replace(workload, micro_batch_completions=1, prompt_tokens=1, completion_tokens=1)
    phases = {phase.name: phase.components for phase in train_phases(SHAPE, one_token, kv_bytes=0)}
    assert phases["reference"]["visiting reference"] == arriving_reference_bytes(SHAPE, workload)
    assert arriving_reference_bytes(SHAPE, replace(workload, sharding="single")) == 0


def test_the_last_gradients_of_shards():
    """Layers in thirds. Embedding, head and norm whole where they add up, else a third of them beside the head's."""
    workload = replace(FULL, sharding="fsdp2", num_ranks=3, weight_bytes_per_param=4)
    layers, root = 28 * SHAPE.params_per_layer, PARAMS - 28 * SHAPE.params_per_layer
    assert last_gradient_bytes(SHAPE, workload) == 4 * layers // 3 + 4 * root
    single = replace(workload, num_micro_batches=1)
    assert last_gradient_bytes(SHAPE, single) == 4 * layers // 3 + 4 * root // 3 + 2 * SHAPE.embedding_params
    assert last_gradient_bytes(SHAPE, replace(FULL, num_micro_batches=1)) == 2 * PARAMS


def test_a_single_micro_batch_has_the_heads_gradient_first():
    assert gradient_bytes_behind(SHAPE, FULL, num_layers=0) == 2 * SHAPE.embedding_params
    assert gradient_bytes_behind(SHAPE, replace(FULL, sharding="fsdp2", num_ranks=3), num_layers=0) == 0
    assert gradient_bytes_behind(SHAPE, LORA, num_layers=0) == 0


def test_keys_and_values():
    """28 layers x 2 x 256 x 2 bytes = 28 KiB a token; 20 tokens take two blocks of 16."""
    assert kv_bytes_per_token(SHAPE) == 28_672
    assert sequence_kv_bytes(SHAPE, tokens=20) == 32 * 28_672


def test_sliding_layers_keep_their_window_only():
    """Gemma 3 270M: 15 layers of 512 tokens, 3 of 2048; 256 wide, 1024 bytes a token and layer."""
    assert sequence_kv_bytes(KNOWN_MODELS["google/gemma-3-270m-it"], tokens=2048) == 1024 * (15 * 512 + 3 * 2048)


def test_engine_buffers_of_an_adapter():
    """41,216 numbers a rank and layer, 28 layers, 2 bytes: 2.2 MiB a rank. Rank 20 takes the buffers of 32."""
    assert lora_buffer_bytes(SHAPE, LORA) == 32 * 28 * 41_216 * 2
    assert lora_buffer_bytes(SHAPE, replace(LORA, lora_rank=20)) == 32 * 28 * 41_216 * 2


def test_head_of_an_adapter_run():
    """Frozen: the gradient of 21,504 x 1536 hidden numbers, summed in fp32 and handed on in bf16."""
    assert head_backward_bytes(SHAPE, LORA) == (4 + 2) * 21_504 * 1536


def test_head_that_is_trained():
    """A tile of 1024 x 8192 logits at 6 bytes, the fp32 gradient of its 8192 words, and that of the hidden numbers."""
    expected = 6 * 1024 * 8192 + 4 * 8192 * 1536 + 4 * 21_504 * 1536
    assert head_backward_bytes(SHAPE, FULL) == expected


def test_engine_buffers_of_an_mlp_without_a_gate():
    """The MLP has an up and a down projection; the four projections of attention are 384 x 384."""
    shape = shape_from_config(SIZES | {"model_type": "starcoder2", "num_key_value_heads": 6})
    assert lora_buffer_bytes(shape, LORA) == 32 * 2 * (8 * 384 + 2 * (384 + 1024)) * 2
