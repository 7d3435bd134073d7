"""The phases of a run on one card, each as bytes by component.

What stays through all phases: weights, adapter, the optimizer's state, a reference copy kept on the card, DDP's
buckets, and what a colocated engine keeps between rollouts. Gradients are freed after the optimizer step, before the
next rollout.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from leanrl.planner.layers.activations import (
    final_norm_backward_bytes,
    final_norm_bytes,
    forward_bytes,
    largest_kept_bytes,
    layer_peak_bytes,
    position_bytes,
    scored_hidden_bytes,
)
from leanrl.planner.layers.head import head_backward_bytes, head_forward_bytes
from leanrl.planner.layers.kept_layers import Stretch, stretches
from leanrl.planner.layers.layer_inputs import all_inputs_bytes, inputs_backward_bytes
from leanrl.planner.layers.shared_kv import lent_in_training_bytes
from leanrl.planner.layers.windows import mask_bytes, mask_in_training_bytes
from leanrl.planner.measured import MeasuredStep
from leanrl.planner.memory.gradients import (
    bucket_bytes,
    gradient_bytes,
    gradient_bytes_at_the_first_layer,
    gradient_bytes_behind,
    last_gradient_bytes,
    new_embedding_gradient_bytes,
    reduced_gradient_bytes,
    reduced_layer_bytes,
    resident_bucket_bytes,
    waiting_gradient_bytes,
)
from leanrl.planner.memory.optimizer_state import optimizer_bytes, step_buffer_bytes
from leanrl.planner.memory.rollout_engine import (
    cuda_graph_bytes,
    engine_weight_bytes,
    engine_working_bytes,
    generate_bytes,
    lora_buffer_bytes,
)
from leanrl.planner.memory.weights import (
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
from leanrl.planner.models.shapes import ModelShape
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
        "inputs of layers",
        "shared KV",
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
    arriving = {"arriving weights": 2 * shape.largest_table_params if workload.method == "full" else 0}
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
        "reference": reference_bytes(shape, workload) if workload.reference in ("gpu", "adapter") else 0,
        "optimizer state": optimizer_bytes(shape, workload),
        "gradient buckets": resident_bucket_bytes(shape, workload),
    }


def _loading(shape: ModelShape, workload: Workload, kv_bytes: int) -> dict[str, int]:
    """The larger of two moments: a 16-bit tensor is quantised or sharded as it is loaded; then the engine starts."""
    arriving = 2 * shape.largest_table_params if workload.method == "qlora" or workload.is_fsdp else 0
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
    if workload.reference in ("adapter_off", "adapter"):
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
    """The largest moment: backward pass of head or last norm, of layers, its end, DDP's exchange."""
    kept_in = stretches(shape, workload)
    stays = {
        "gathered weights": gathered_in_training_bytes(shape, workload),
        "adapter casts": adapter_cast_bytes(shape, workload),
        "attention mask": mask_in_training_bytes(shape, workload),
        "positions": position_bytes(shape, workload),
        "inputs of layers": all_inputs_bytes(shape, workload) * workload.micro_batch_tokens,
        "shared KV": lent_in_training_bytes(shape, workload) * workload.micro_batch_tokens,
    }
    accumulates = workload.num_micro_batches > 1
    whole = gradient_bytes(shape, workload)
    while_layers_run = {**stays, "gradient buffers": waiting_gradient_bytes(shape, workload)}
    head_moment = {
        **while_layers_run,
        "kept activations": kept_in[0].below_bytes + kept_in[0].kept_bytes,
        # The gradient of a trained head is there before its backward pass adds to it.
        "gradients": whole if accumulates else gradient_bytes_behind(shape, workload, num_layers=0),
        "head": max(
            final_norm_bytes(shape, workload)
            + scored_hidden_bytes(shape, workload)
            + head_backward_bytes(shape, workload),
            final_norm_backward_bytes(shape, workload),
        ),
    }
    layer_moments = [
        moment for stretch in kept_in for moment in _layer_moments(shape, workload, stretch, stays=while_layers_run)
    ]
    last_moment = {
        "kept activations": 0 if workload.is_fsdp else _last_kept_bytes(kept_in[-1]),
        "gathered weights": 0 if workload.is_fsdp else stays["gathered weights"],
        "adapter casts": stays["adapter casts"],
        "gradients": last_gradient_bytes(shape, workload),
        "gradient buffers": bucket_bytes(shape, workload)
        + (new_embedding_gradient_bytes(shape, workload) if accumulates or shape.tied else 0),
    }
    # DDP exchanges in a pass of one token, when all micro-batches are done: its activations are nothing, and layers run
    # without tiles. Gradients become parts of the buckets one by one, behind the head, which adds to its own.
    exchange_moment = {
        "gathered weights": gathered_bytes(shape, workload),
        "gradients": whole,
        "head": head_backward_bytes(shape, workload, tokens=1),
    }
    moments = [head_moment, *layer_moments, last_moment]
    moments += [exchange_moment] if workload.sharding == "ddp" else []
    moments += [_inputs_moment(shape, workload, stays=while_layers_run)] if shape.inputs else []
    return max(moments, key=lambda moment: sum(moment.values()))


def _inputs_moment(shape: ModelShape, workload: Workload, *, stays: dict[str, int]) -> dict[str, int]:
    """The backward pass of what makes the inputs of layers, when all layers are done."""
    accumulates = workload.num_micro_batches > 1
    to_come = gradient_bytes_at_the_first_layer(shape, workload)
    return {
        **stays,
        "inputs of layers": inputs_backward_bytes(shape, workload) * workload.micro_batch_tokens,
        "shared KV": 0,
        "gradients": gradient_bytes(shape, workload) if accumulates else to_come,
    }


def _layer_moments(
    shape: ModelShape, workload: Workload, stretch: Stretch, *, stays: dict[str, int]
) -> list[dict[str, int]]:
    """Return the backward passes of a stretch's last layer and, with gradients that are new, of its first.

    Between them what is kept falls and what gradients take rises, both by as much a layer. FSDP2 lets go of a layer's
    gathered weights, which are at least as large as the shard of its gradients: there the second one is that of the
    last layer but one, beside the last one's exchange.
    """
    at_work = {
        **stays,
        "layer at work": layer_peak_bytes(stretch.shape, stretch.workload),
        "kept activations": stretch.below_bytes + stretch.kept_bytes,
    }
    if workload.num_micro_batches > 1:
        return [{**at_work, "gradients": gradient_bytes(shape, workload)}]
    num_above, last_kept = stretch.num_above, _last_kept_bytes(stretch)
    at_the_last = {**at_work, "gradients": gradient_bytes_behind(shape, workload, num_layers=num_above)}
    if workload.is_fsdp:
        at_the_next = {**at_the_last, "kept activations": at_work["kept activations"] - last_kept}
        return [
            _behind_exchanges(shape, workload, at_the_last, num_done=num_above),
            _behind_exchanges(shape, workload, at_the_next, num_done=num_above + 1),
        ]
    num_done = num_above + stretch.shape.num_layers
    if num_done == shape.num_layers:
        gradients = gradient_bytes_at_the_first_layer(shape, workload)
    else:
        gradients = gradient_bytes_behind(shape, workload, num_layers=num_done - 1)
    at_the_first = {**at_work, "kept activations": stretch.below_bytes + last_kept, "gradients": gradients}
    return [at_the_last, at_the_first]


def _behind_exchanges(
    shape: ModelShape, workload: Workload, moment: dict[str, int], *, num_done: int
) -> dict[str, int]:
    """Return a moment of FSDP2 when so many layers are done: their weights are let go of, the last one is exchanged."""
    if num_done == 0:
        return moment
    return {
        **moment,
        "gathered weights": moment["gathered weights"] - num_done * workload.compute_bytes * shape.params_per_layer,
        "gradient buffers": moment["gradient buffers"] + reduced_layer_bytes(shape, workload),
    }


def _last_kept_bytes(stretch: Stretch) -> int:
    """Bytes that the first layer of a stretch keeps: of all of its layers the last to let go."""
    mean = stretch.kept_bytes // stretch.shape.num_layers
    return max(mean, largest_kept_bytes(stretch.shape, stretch.workload))


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
