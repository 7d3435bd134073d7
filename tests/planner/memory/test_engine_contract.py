"""Terms against the code they describe, really executed on a CPU; fails when that code holds other tensors.

It says nothing about a GPU: there the attention kernels and the allocator are others.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from benchmarks.planner.allocator_peak import allocator_peak
from leanrl.algorithms import logprobs
from leanrl.engine.head.scoring import attach_logprob_head
from leanrl.engine.prepare import leave_casts_to_autocast
from leanrl.engine.rows import StepRow, lay_out
from leanrl.engine.step import LossSettings, train_micro_batch
from leanrl.planner.layers.activations import layer_bytes_per_token
from leanrl.planner.layers.head import TILE_TOKENS, TILE_VOCABULARY, head_backward_bytes, head_forward_bytes
from leanrl.planner.models.shapes import ModelShape, shape_from_config
from leanrl.planner.phases import train_phases
from leanrl.planner.workload import Workload
from leanrl.simulate.tracker import StorageTracker

NUM_TOKENS = 128
SIZES = {
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 64,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "tie_word_embeddings": False,
}
FAMILIES = [
    {"model_type": "qwen2"},
    {"model_type": "llama"},
    {"model_type": "mistral"},
    {"model_type": "qwen3", "head_dim": 32},
    {"model_type": "gemma3_text", "head_dim": 32},
    {"model_type": "phi3"},
]


def saved_bytes(model: PreTrainedModel) -> int:
    """Bytes of all storages that autograd keeps in a forward pass under bf16 autocast, without the weights."""
    own = {tensor.untyped_storage().data_ptr() for tensor in (*model.parameters(), *model.buffers())}
    kept: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept.setdefault(tensor.untyped_storage().data_ptr(), tensor)
        return tensor

    ids = torch.randint(2, 64, (1, NUM_TOKENS))
    with (
        torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor),
        torch.autocast("cpu", dtype=torch.bfloat16),
    ):
        model.base_model(input_ids=ids, use_cache=False)
    return sum(tensor.untyped_storage().nbytes() for pointer, tensor in kept.items() if pointer not in own)


def saved_by_a_layer(values: dict[str, Any], *, dtype: torch.dtype, targets: Any = None) -> int:
    """The difference that a third layer makes to two."""

    def saved(num_layers: int) -> int:
        config = AutoConfig.for_model(**values, num_hidden_layers=num_layers)
        model = AutoModelForCausalLM.from_config(config, attn_implementation="sdpa", dtype=dtype)
        if targets is not None:
            model = get_peft_model(model, LoraConfig(r=8, target_modules=targets, task_type="CAUSAL_LM"))
            leave_casts_to_autocast(model)
        return saved_bytes(model.train())

    return saved(3) - saved(2)


def shape_of(values: dict[str, Any]) -> ModelShape:
    return shape_from_config({**values, "num_hidden_layers": 2})


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family["model_type"])
def test_layer_in_bf16(family):
    """To the byte a token; Gemma keeps 1 + weight of its norms besides (less than 1 %)."""
    values = SIZES | family
    counted = layer_bytes_per_token(shape_of(values), Workload(activations="kept")) * NUM_TOKENS
    assert saved_by_a_layer(values, dtype=torch.bfloat16) == pytest.approx(counted, rel=0.005)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family["model_type"])
def test_layer_of_fp32_weights_under_autocast(family):
    """Autocast's bf16 copies of the linear weights are kept too; the plan has them as gathered weights."""
    values = SIZES | family
    shape = shape_of(values)
    counted = layer_bytes_per_token(shape, Workload(weight_bytes_per_param=4, activations="kept")) * NUM_TOKENS
    copies = 2 * shape.linear_params // shape.num_layers
    assert saved_by_a_layer(values, dtype=torch.float32) == pytest.approx(counted + copies, rel=0.005)


@pytest.mark.parametrize("targets", ["all-linear", ["o_proj", "down_proj"]])
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family["model_type"])
def test_layer_under_fp32_adapters(family, targets):
    """PEFT's adapters of rank 8; autocast's bf16 copies of their weights are left out of the plan, being small."""
    values = SIZES | family
    shape = shape_of(values)
    names = tuple(shape.linears) if targets == "all-linear" else tuple(targets)
    workload = Workload(method="lora", lora_rank=8, lora_targets=names, activations="kept")
    counted = layer_bytes_per_token(shape, workload) * NUM_TOKENS
    copies = 2 * 8 * sum(sum(shape.linears[name]) for name in names)
    measured = saved_by_a_layer(values, dtype=torch.bfloat16, targets=targets)
    assert measured == pytest.approx(counted + copies, rel=0.005)


def peak_of_tensors(work: Callable[[], object], *, model: nn.Module) -> int:
    """The most bytes of tensors that were alive at one time beside weights and gradients, whatever kernels ran."""
    tracker = StorageTracker()
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    tracker.assign([*model.parameters(), *model.buffers(), *gradients], "stays")
    with tracker, tracker.phase("work", category="work"):
        work()
    return tracker.peaks[0].bytes - tracker.peaks[0].categories["stays"]


@pytest.mark.parametrize(
    ("dtype", "is_trained"), [(torch.bfloat16, False), (torch.bfloat16, True), (torch.float32, True)]
)
def test_head(dtype, is_trained):
    """1024 tokens, hidden size 256, 2000 words: forward without gradients, and backward."""
    shape = ModelShape("llama", 2, 256, 512, 4, 2, 64, 2000, tied=False)
    workload = Workload(
        method="full" if is_trained else "lora",
        weight_bytes_per_param=4 if dtype is torch.float32 else 2,
        prompt_tokens=1,
        completion_tokens=1024,
        on_cpu=True,
    )
    hidden_N_H = torch.randn(1024, 256, dtype=torch.bfloat16, requires_grad=True)
    head_V_H = torch.randn(2000, 256, dtype=dtype, requires_grad=is_trained)
    targets_N = torch.randint(2000, (1024,))

    head_V_H.grad = torch.zeros_like(head_V_H) if is_trained else None

    def score() -> Tensor:
        return logprobs.token_logprobs(hidden_N_H, head_V_H, targets_N, temperature=1.0, head_gradient="added")[0]

    with torch.no_grad():
        forward = allocator_peak(score)
    assert forward == pytest.approx(head_forward_bytes(shape, workload, tokens=1024), rel=0.01)
    scored_N = score()
    backward = allocator_peak(lambda: scored_N.sum().backward())
    assert backward == pytest.approx(head_backward_bytes(shape, workload), rel=0.01)


@pytest.mark.parametrize("activations", ["checkpointed", "kept"])
@pytest.mark.parametrize(
    ("family", "method", "dtype"),
    [
        (FAMILIES[0], "full", torch.bfloat16),
        (FAMILIES[0], "full", torch.float32),
        (FAMILIES[0], "lora", torch.bfloat16),
        (FAMILIES[3], "lora", torch.bfloat16),
        (FAMILIES[4], "full", torch.bfloat16),
        (FAMILIES[5], "full", torch.float32),
    ],
    ids=lambda value: value["model_type"] if isinstance(value, dict) else str(value),
)
def test_micro_batch_of_the_engine(family, method, dtype, activations):
    """Forward and backward of `engine.step` on 2 rows of 64 + 448 tokens: the tensors alive at the peak, within 4 %.

    Tensors are counted, not the allocator's bytes: a CPU's matrix kernels take work space of their own, which is
    another on every processor.
    """
    values = SIZES | {"hidden_size": 128, "intermediate_size": 512, "vocab_size": 256, "num_hidden_layers": 4} | family
    config = AutoConfig.for_model(**values)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="sdpa", dtype=dtype)
    attach_logprob_head(model)
    if method == "lora":
        model = get_peft_model(model, LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM"))
        leave_casts_to_autocast(model)
        model.enable_input_require_grads()
    if activations == "checkpointed":
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.train()
    row = StepRow(prompt_ids=[5] * 64, completion_ids=[7] * 448, advantage=1.0, weight=0.1)
    micro_batch = lay_out([row, row], pad_id=0, device="cpu")
    settings = LossSettings(clip_low=0.2, clip_high=0.2, kl_beta=0.0, temperature=1.0)

    def train() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            train_micro_batch(model, micro_batch, settings=settings)

    train()  # so that gradients exist, as in every micro-batch but the first
    shape = shape_from_config(values)
    workload = Workload(
        method=method,
        lora_rank=8 if method == "lora" else 0,
        lora_targets=tuple(shape.linears) if method == "lora" else (),
        weight_bytes_per_param=4 if dtype is torch.float32 else 2,
        activations=activations,
        micro_batch_completions=2,
        num_micro_batches=2,
        prompt_tokens=64,
        completion_tokens=448,
        on_cpu=True,
    )
    phases = {phase.name: phase.components for phase in train_phases(shape, workload, kv_bytes=0)}
    passing = sum(
        phases["forward_backward"].get(name, 0)
        for name in ("kept activations", "gathered weights", "adapter casts", "layer at work", "head")
    )
    assert passing == pytest.approx(peak_of_tensors(train, model=model), rel=0.04)


def test_tile_is_the_engines():
    assert (TILE_TOKENS, TILE_VOCABULARY) == (logprobs.TILE_TOKENS, logprobs.TILE_VOCABULARY)
