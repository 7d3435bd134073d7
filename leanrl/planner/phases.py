"""The phases of a run on one card, each as bytes by component.

What stays through all phases: weights, adapter, the optimizer's state, a reference copy kept on the card, DDP's
buckets, and what a colocated engine keeps between rollouts. Gradients are freed after the optimizer step, before the
next rollout.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from leanrl.planner.activations import (
    final_norm_backward_bytes,
    final_norm_bytes,
    forward_bytes,
    kept_bytes,
    largest_kept_bytes,
    layer_peak_bytes,
    position_bytes,
    scored_hidden_bytes,
)
from leanrl.planner.gradients import (
    bucket_bytes,
    first_gradient_bytes,
    gradient_bytes,
    gradient_bytes_at_the_first_layer,
    last_gradient_bytes,
    new_embedding_gradient_bytes,
    reduced_gradient_bytes,
    reduced_layer_bytes,
    resident_bucket_bytes,
    waiting_gradient_bytes,
)
from leanrl.planner.head import head_backward_bytes, head_forward_bytes
from leanrl.planner.measured import MeasuredStep
from leanrl.planner.optimizer_state import optimizer_bytes, step_buffer_bytes
from leanrl.planner.rollout_engine import (
    cuda_graph_bytes,
    engine_weight_bytes,
    engine_working_bytes,
    generate_bytes,
    lora_buffer_bytes,
)
from leanrl.planner.shapes import ModelShape
from leanrl.planner.weights import (
    adapter_bytes,
    adapter_cast_bytes,
    arriving_reference_bytes,
    base_bytes,
    gathered_bytes,
    gathered_in_training_bytes,
    largest_tensor_bytes,
    reference_bytes,
    visiting_reference_bytes,
)
from leanrl.planner.windows import mask_bytes
from leanrl.planner.workload import Workload

PhaseName = Literal["load", "rollout", "sync", "reference", "forward_backward", "optimizer_step", "save"]

# Components that are allocated and freed within a phase, in many sizes: what fragments an allocator's memory.
_PASSING = frozenset(
    {
        "activations",
        "within operators",
        "kept activations",
        "layer at work",
        "attention mask",
        "positions",
        "head",
        "forward pass",
        "generation",
        "engine activations",
        "engine sampler",
    }
)


@dataclass(frozen=True)
class Phase:
    """Bytes of one phase by component, where the phase is at its largest."""

    name: PhaseName
    components: dict[str, int]

    @property
    def bytes(self) -> int:
        return sum(self.components.values())

    @property
    def passing_bytes(self) -> int:
        """Bytes that come and go within the phase."""
        return sum(size for name, size in self.components.items() if name in _PASSING)


def train_phases(
    shape: ModelShape, workload: Workload, *, kv_bytes: int, measured: MeasuredStep | None = None
) -> list[Phase]:
    """Return the phases of a card that trains; `kv_bytes` is what a colocated engine was given.

    While a server generates, the card waits with what stays: no phase of its own. A step that was measured stands for
    the formulas of what stays and of scoring, gradients and update; the engine's bytes are those of the formulas.
    """
    stays = _staying(shape, workload) if measured is None else dict(measured.staying)
    between = _engine_between_rollouts(shape, workload, kv_bytes)
    phases = [_phase("load", stays, _loading(shape, workload, kv_bytes), without=("optimizer state",))]
    if workload.engine != "vllm-server":
        parked = ("optimizer state",) if workload.parks_optimizer else ()
        phases.append(_phase("rollout", stays, _rollout(shape, workload, kv_bytes), without=parked))
    if workload.engine != "hf":
        phases.append(_phase("sync", stays, _sync(shape, workload, kv_bytes)))
    if measured is None:
        phases += _computed_phases(shape, workload, stays, between)
    else:
        phases += _measured_phases(measured, between)
    return [*phases, _phase("save", stays, between, _gathering(shape, workload))]


def rollout_phases(shape: ModelShape, workload: Workload, *, kv_bytes: int) -> list[Phase]:
    """Return the phases of a card that only generates: loading, generating, and taking new weights."""
    engine = {"engine weights": engine_weight_bytes(shape, workload), "KV cache": kv_bytes}
    working = engine_working_bytes(shape, workload)
    arriving = {"arriving weights": 2 * shape.embedding_params if workload.method == "full" else 0}
    return [
        _phase("load", engine, working),
        _phase("rollout", engine, working),
        _phase("sync", engine, _resident_working(shape, workload), arriving),
    ]


def _phase(name: PhaseName, *parts: dict[str, int], without: tuple[str, ...] = ()) -> Phase:
    components: dict[str, int] = {}
    for part in parts:
        for component, size in part.items():
            if component not in without and size > 0:
                components[component] = components.get(component, 0) + size
    return Phase(name, components)


def _computed_phases(
    shape: ModelShape, workload: Workload, stays: dict[str, int], between: dict[str, int]
) -> list[Phase]:
    phases = []
    if workload.reference != "none":
        phases.append(_phase("reference", stays, between, _reference(shape, workload)))
    return [
        *phases,
        _phase("forward_backward", stays, between, _forward_backward(shape, _without_engine(workload))),
        _phase("optimizer_step", stays, between, _optimizer_step(shape, workload)),
    ]


def _measured_phases(measured: MeasuredStep, between: dict[str, int]) -> list[Phase]:
    names: tuple[PhaseName, ...] = ("reference", "forward_backward", "optimizer_step")
    return [_phase(name, dict(measured.phases[name]), between) for name in names if name in measured.phases]


def _staying(shape: ModelShape, workload: Workload) -> dict[str, int]:
    return {
        "weights": base_bytes(shape, workload),
        "adapter": adapter_bytes(shape, workload),
        "reference": reference_bytes(shape, workload) if workload.reference == "gpu" else 0,
        "optimizer state": optimizer_bytes(shape, workload),
        "gradient buckets": resident_bucket_bytes(shape, workload),
    }


def _loading(shape: ModelShape, workload: Workload, kv_bytes: int) -> dict[str, int]:
    """The larger of two moments: a 16-bit tensor is quantised or sharded as it comes in; then the engine starts."""
    arriving = 2 * shape.embedding_params if workload.method == "qlora" or workload.is_fsdp else 0
    engine = _colocated_engine(shape, workload, kv_bytes)
    return engine if sum(engine.values()) > arriving else {"arriving weights": arriving}


def _rollout(shape: ModelShape, workload: Workload, kv_bytes: int) -> dict[str, int]:
    if workload.engine == "hf":
        return {"gathered weights": gathered_bytes(shape, workload), **generate_bytes(shape, workload)}
    return _colocated_engine(shape, workload, kv_bytes)


def _sync(shape: ModelShape, workload: Workload, kv_bytes: int) -> dict[str, int]:
    """A colocated engine wakes its weights to receive new ones, and its KV cache only afterwards."""
    moving = _gathering(shape, workload)
    if workload.method != "full":
        moving = {"moving adapter": adapter_bytes(shape, workload)}
    if workload.engine == "vllm-server":
        return moving
    engine = {"engine weights": engine_weight_bytes(shape, workload), **_resident_working(shape, workload)}
    if workload.residency == "awake":
        engine["KV cache"] = kv_bytes
    return {**engine, **moving}


def _reference(shape: ModelShape, workload: Workload) -> dict[str, int]:
    """The largest moment of a forward pass without gradients: a layer's MLP, the head, or shared weights that come."""
    visiting = visiting_reference_bytes(shape, workload)
    embedded = workload.compute_bytes * shape.hidden * workload.micro_batch_tokens
    layer_moment = {
        "forward pass": forward_bytes(
            shape, workload, tokens=workload.micro_batch_tokens, row_tokens=workload.row_tokens
        ),
        "visiting reference": visiting,
    }
    head_moment = {
        "forward pass": scored_hidden_bytes(shape, workload),
        "head": head_forward_bytes(shape, workload, tokens=workload.micro_batch_scored_tokens),
        "visiting reference": visiting,
    }
    first_moment = {"forward pass": embedded, "visiting reference": arriving_reference_bytes(shape, workload)}
    moment = max((layer_moment, head_moment, first_moment), key=lambda moment: sum(moment.values()))
    moment["attention mask"] = mask_bytes(shape, workload)
    moment["positions"] = position_bytes(shape, workload)
    if workload.reference == "adapter_off":
        moment["gathered weights"] = gathered_bytes(shape, workload)
    return moment


def _without_engine(workload: Workload) -> Workload:
    """Return what the trainer alone is asked to do: the same for every way to generate."""
    return replace(workload, engine="hf", engine_memory_fraction=None, residency="asleep", shares_base=False)


@lru_cache(maxsize=4096)
def _forward_backward(shape: ModelShape, workload: Workload) -> dict[str, int]:
    """The largest moment of the longest micro-batch, or of a shorter one that no tile keeps from holding more."""
    moments = (_training_moment(shape, one) for one in (workload, workload.longest_untiled))
    return max(moments, key=lambda moment: sum(moment.values()))


def _training_moment(shape: ModelShape, workload: Workload) -> dict[str, int]:
    """The largest moment: backward pass of head, last norm, last layer or another layer, its end, or DDP's exchange."""
    kept = {
        "kept activations": kept_bytes(shape, workload),
        "gathered weights": gathered_in_training_bytes(shape, workload),
        "adapter casts": adapter_cast_bytes(shape, workload),
        "attention mask": mask_bytes(shape, workload),
        "positions": position_bytes(shape, workload),
    }
    accumulates = workload.num_micro_batches > 1
    whole = gradient_bytes(shape, workload)
    # Of a trained head the gradient is there before its backward pass adds to it.
    while_layers_run = {
        "gradients": whole if accumulates else first_gradient_bytes(shape, workload),
        "gradient buffers": waiting_gradient_bytes(shape, workload),
    }
    head_moment = {
        **kept,
        **while_layers_run,
        "head": max(
            final_norm_bytes(shape, workload)
            + scored_hidden_bytes(shape, workload)
            + head_backward_bytes(shape, workload),
            final_norm_backward_bytes(shape, workload),
        ),
    }
    layer_moment = {**kept, **while_layers_run, "layer at work": layer_peak_bytes(shape, workload)}
    last_kept = max(kept["kept activations"] // shape.num_layers, largest_kept_bytes(shape, workload))
    one_micro_batch = _layer_behind_gradients(shape, workload, layer_moment, last_kept=last_kept)
    last_moment = {
        "kept activations": 0 if workload.is_fsdp else last_kept,
        "gathered weights": 0 if workload.is_fsdp else kept["gathered weights"],
        "adapter casts": kept["adapter casts"],
        "gradients": last_gradient_bytes(shape, workload),
        "gradient buffers": bucket_bytes(shape, workload)
        + (new_embedding_gradient_bytes(shape, workload) if accumulates else 0),
    }
    # DDP exchanges in a pass of one token, when all micro-batches are done: its activations are nothing.
    exchange_moment = {"gradients": whole, "gradient buffers": new_embedding_gradient_bytes(shape, workload)}
    moments = [head_moment, layer_moment, last_moment]
    moments += [exchange_moment] if workload.sharding == "ddp" else []
    moments += [] if accumulates else [one_micro_batch]
    return max(moments, key=lambda moment: sum(moment.values()))


def _layer_behind_gradients(
    shape: ModelShape, workload: Workload, layer_moment: dict[str, int], *, last_kept: int
) -> dict[str, int]:
    """The fullest moment of a layer at work, in a step of one micro-batch, beside gradients of layers behind it.

    Gradients grow by as much a layer, so it is the first layer. FSDP2 lets go of a layer's gathered weights, which are
    at least as large as the shard of its gradients: there it is the last layer but one, beside the last one's exchange.
    """
    if not workload.is_fsdp:
        gradients = gradient_bytes_at_the_first_layer(shape, workload)
        return {**layer_moment, "kept activations": last_kept, "gradients": gradients}
    return {
        **layer_moment,
        "kept activations": layer_moment["kept activations"] - last_kept,
        "gathered weights": layer_moment["gathered weights"] - workload.compute_bytes * shape.params_per_layer,
        "gradient buffers": layer_moment["gradient buffers"] + reduced_layer_bytes(shape, workload),
    }


def _optimizer_step(shape: ModelShape, workload: Workload) -> dict[str, int]:
    return {
        "gradients": reduced_gradient_bytes(shape, workload),
        "optimizer buffers": step_buffer_bytes(shape, workload),
    }


def _gathering(shape: ModelShape, workload: Workload) -> dict[str, int]:
    """Shards are gathered tensor by tensor on their way to the engine or to disk."""
    is_sharded = workload.is_fsdp or workload.sharding == "zero3"
    return {"gathered tensor": largest_tensor_bytes(shape, workload) if is_sharded else 0}


def _colocated_engine(shape: ModelShape, workload: Workload, kv_bytes: int) -> dict[str, int]:
    if workload.engine != "vllm-colocate":
        return {}
    return {
        "engine weights": engine_weight_bytes(shape, workload),
        "KV cache": kv_bytes,
        **engine_working_bytes(shape, workload),
    }


def _resident_working(shape: ModelShape, workload: Workload) -> dict[str, int]:
    return {
        "engine adapter buffers": lora_buffer_bytes(shape, workload),
        "engine CUDA graphs": cuda_graph_bytes(workload),
    }


def _engine_between_rollouts(shape: ModelShape, workload: Workload, kv_bytes: int) -> dict[str, int]:
    """What a colocated vLLM holds while the trainer works; captured graphs are counted as never given back."""
    if workload.engine != "vllm-colocate":
        return {}
    if workload.residency == "asleep":
        return {"engine CUDA graphs": cuda_graph_bytes(workload)}
    awake = {"engine weights": engine_weight_bytes(shape, workload), **_resident_working(shape, workload)}
    return {**awake, "KV cache": kv_bytes} if workload.residency == "awake" else awake
