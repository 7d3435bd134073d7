"""Host memory of a machine whose cards train: what waits there, and what passes through it.

Counted for all ranks of one machine. The page cache, which the system gives back when it has to, is not counted.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from leanrl.planner.layers.activations import kept_bytes
from leanrl.planner.memory.gradients import gradient_bytes_per_param
from leanrl.planner.memory.optimizer_state import host_optimizer_bytes
from leanrl.planner.memory.pinned import block_bytes, blocks_of_all_sizes, pinned_model_bytes
from leanrl.planner.memory.rollout_engine import engine_weight_bytes
from leanrl.planner.memory.weights import adapter_bytes
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.workload import Workload

_GIB = 2**30
# An estimate: Python with torch on a card, transformers and, in the trainer or in a process of its own, vLLM.
_PROCESS_BYTES = 3 * _GIB
_REMARKS = {"fits": "", "tight": " That is tight.", "does_not_fit": " That does not fit."}
_SHORT_REMARKS = {"fits": "", "tight": ": tight", "does_not_fit": ": it does not fit"}
# Of a machine's memory; the rest belongs to the system and to whatever else runs there.
USABLE_SHARE = 0.8


VerdictName = Literal["fits", "tight", "does_not_fit"]


@dataclass(frozen=True)
class HostNeed:
    """Bytes by component of one machine's memory where most is needed.

    `total_bytes` is the memory of the machine; None where the run is planned for another one.
    """

    components: dict[str, int]
    total_bytes: int | None = None

    @property
    def bytes(self) -> int:
        return sum(self.components.values())

    @property
    def missing_bytes(self) -> int | None:
        """Bytes above the usable fraction; not above 0 where it fits, None where the machine is not known."""
        return None if self.total_bytes is None else self.bytes - int(USABLE_SHARE * self.total_bytes)

    @property
    def verdict(self) -> VerdictName:
        if self.total_bytes is None or self.bytes <= USABLE_SHARE * self.total_bytes:
            return "fits"
        return "tight" if self.bytes <= self.total_bytes else "does_not_fit"

    @property
    def sentence(self) -> str:
        """What is needed and for what, largest first, beside what there is."""
        largest = sorted(self.components.items(), key=lambda item: -item[1])
        parts = ", ".join(f"{name} {size / _GIB:.1f}" for name, size in largest if size >= _GIB / 20)
        there = "" if self.total_bytes is None else f" of this machine's {self.total_bytes / _GIB:.1f}"
        return f"Host memory needed: {self.bytes / _GIB:.1f}{there} GiB ({parts}).{_REMARKS[self.verdict]}"

    @property
    def short_sentence(self) -> str:
        """What is needed, beside what there is, without the parts."""
        there = "" if self.total_bytes is None else f", of this machine's {self.total_bytes / _GIB:.1f} GiB"
        return f"{self.bytes / _GIB:.1f} GiB beside the card's{there}{_SHORT_REMARKS[self.verdict]}"

    def to_json(self) -> dict[str, int | dict[str, int] | None]:
        return {"bytes": self.bytes, "total_bytes": self.total_bytes, "components": dict(self.components)}


def host_need(
    shape: ModelShape, workload: Workload, *, num_ranks: int, has_server: bool, total_bytes: int | None = None
) -> HostNeed:
    """Return the host memory of one machine at its fullest moment.

    Args:
        num_ranks: training ranks of the machine.
        has_server: whether a rollout server of leanrl's own runs there too.
        total_bytes: memory of the machine, where it is this one.
    """
    stays = {
        "processes": (num_ranks + has_server) * _PROCESS_BYTES,
        "optimizer state": num_ranks * host_optimizer_bytes(shape, workload),
        "reference": num_ranks * _reference_bytes(shape, workload),
    }
    asleep = {"sleeping engine": num_ranks * _sleeping_engine_bytes(shape, workload)}
    moments = [
        {**asleep, "activations": num_ranks * _waiting_activation_bytes(shape, workload)},
        {**asleep, "gradients on their way": num_ranks * _travelling_gradient_bytes(shape, workload)},
        _handover(shape, workload),
    ]
    fullest = max(moments, key=lambda moment: sum(moment.values()))
    return HostNeed(_present({**stays, **fullest}.items()), total_bytes)


def shared_memory_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes that one version of the policy takes in /dev/shm; where four do not fit, it goes to disk."""
    if workload.engine == "hf":
        return 0
    if workload.method != "full":
        return adapter_bytes(shape, workload)
    return shape.num_params * workload.compute_bytes if workload.publishes_weights else 0


def _handover(shape: ModelShape, workload: Workload) -> dict[str, int]:
    """The first rank copies what it trained to the host, and writes the copies into /dev/shm."""
    size = shared_memory_bytes(shape, workload)
    return {"copies of weights": size, "/dev/shm": size}


def _sleeping_engine_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of pinned memory into which vLLM copies its weights (vllm 0.31.0, device_allocator/cumem.py)."""
    is_there = workload.engine == "vllm-colocate" and workload.residency == "asleep"
    if not is_there or not workload.engine_keeps_weights:
        return 0
    return pinned_model_bytes(shape, num_bytes=engine_weight_bytes(shape, workload), joins_linears=True)


def _reference_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of a reference policy in pinned memory."""
    if workload.reference != "host":
        return 0
    shards = workload.num_ranks if workload.is_fsdp else 1
    return pinned_model_bytes(shape, num_bytes=shape.num_params * workload.reference_bytes_per_param, shards=shards)


def _waiting_activation_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of pinned memory for the layer inputs that do not stay on the card: all but two.

    unsloth has a buffer for each layer, which shorter micro-batches take too (unsloth_zoo, gradient_checkpointing.py).
    """
    if workload.activations != "offloaded":
        return 0
    of_a_layer = kept_bytes(shape, replace(workload, activations="checkpointed")) // shape.num_layers
    blocks = block_bytes(of_a_layer) if workload.reuses_host_buffers else blocks_of_all_sizes(of_a_layer)
    return max(0, shape.num_layers - 2) * blocks


def _travelling_gradient_bytes(shape: ModelShape, workload: Workload) -> int:
    """Gradient, old and new values of the largest weight and of the next in pinned memory, and a gradient in fp32."""
    if workload.optimizer != "adamw_offloaded":
        return 0
    if workload.method == "full":
        largest, following = (
            shape.largest_table_params,
            max(inputs * outputs for inputs, outputs in shape.linears.values()),
        )
        if shape.inputs:
            following = max(following, min(shape.embedding_params, shape.inputs.table_params))
    else:
        largest = following = workload.lora_rank * max(max(sizes) for sizes in shape.linears.values())
    shards = workload.num_ranks if workload.is_fsdp else 1
    number = gradient_bytes_per_param(workload)
    pinned = block_bytes(largest * number // shards) + blocks_of_all_sizes(following * number // shards)
    return 3 * pinned + 4 * largest // shards


def _present(components: Iterable[tuple[str, int]]) -> dict[str, int]:
    return {name: size for name, size in components if size > 0}
