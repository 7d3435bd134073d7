"""The planner's door: a run's config in, its plan out, and the plan as text."""

from collections.abc import Callable
from dataclasses import replace

from leanrl.config.schema import RunConfig
from leanrl.errors import MissingError
from leanrl.planner.allocation import upper_bytes
from leanrl.planner.cards import Card, find_card, require_bf16
from leanrl.planner.duration import estimate_step
from leanrl.planner.fixes import find_fixes
from leanrl.planner.known_models import find_shape
from leanrl.planner.kv_budget import choose_kv_bytes
from leanrl.planner.phases import Phase, rollout_phases, train_phases
from leanrl.planner.prediction import GpuPlan, Plan, Role
from leanrl.planner.shapes import ModelShape
from leanrl.planner.table import plan_table
from leanrl.planner.workload import Workload, workload_of

__all__ = ["Plan", "is_on_cpu", "plan_run", "plan_table"]

# Of a CPU's memory; the rest belongs to the system and to whatever else runs there.
_USABLE_SHARE_OF_HOST = 0.8


def plan_run(
    config: RunConfig,
    *,
    shape: ModelShape | None = None,
    card: Card | None = None,
    vram_bytes: int | None = None,
    host_bytes: int | None = None,
) -> Plan:
    """Return the plan of a run.

    Args:
        config: the run.
        shape: the model's shape; None finds it by `config.model.id`.
        card: the card to plan for; None takes `config.hardware.gpu`.
        vram_bytes: bytes of a card, instead of what the named card has.
        host_bytes: memory of this machine; needed where the run is on a CPU.

    Raises:
        MissingError: if the model's shape cannot be had, or neither a card nor its bytes are named.
        ConfigError: for an unknown card, a card without bf16, or a model or config that cannot be planned.
    """
    shape = shape or find_shape(config.model.id, revision=config.model.revision)
    if is_on_cpu(config):
        return _plan_on_host(config, shape, host_bytes)
    if card is None and config.hardware.gpu is not None:
        card = find_card(config.hardware.gpu)
    if card is not None:
        require_bf16(card)
    usable_bytes = vram_bytes or (card.usable_bytes if card else None)
    if usable_bytes is None:
        raise MissingError(
            "hardware.gpu names no card, so there is no memory to plan for.",
            hint="`leanrl plan --gpu a40`, `--vram 24`, or `-s hardware.gpu=rtx4090`",
        )

    def plan_again(changed: RunConfig) -> Plan:
        return _plan_on_cards(changed, shape, card, usable_bytes)

    return _with_fixes(plan_again(config), config, plan_again)


def is_on_cpu(config: RunConfig) -> bool:
    """Whether a run is planned for a CPU; `auto` is planned for the cards that the config counts."""
    return config.hardware.device == "cpu" or config.hardware.num_gpus == 0


def _with_fixes(plan: Plan, config: RunConfig, plan_again: Callable[[RunConfig], Plan]) -> Plan:
    if plan.verdict == "fits":
        return plan
    return replace(plan, fixes=find_fixes(config, fits=lambda changed: plan_again(changed).verdict == "fits"))


def _plan_on_cards(config: RunConfig, shape: ModelShape, card: Card | None, usable_bytes: int) -> Plan:
    workload = workload_of(config, shape)
    kv_bytes = choose_kv_bytes(shape, workload, usable_bytes=usable_bytes)
    num_rollout = config.rollout.num_gpus
    num_train = max(1, config.hardware.num_gpus - num_rollout)
    role: Role = "train" if workload.engine == "vllm-server" else "both"
    training = tuple(train_phases(shape, workload, kv_bytes=kv_bytes))
    if role == "train":
        # The server generates; this card waits, and holds what stays.
        training = tuple(phase for phase in training if phase.name != "rollout")
    gpus = [_gpu_plan(index, role, training, workload, usable_bytes) for index in range(num_train)]
    if num_rollout > 0:
        serving = tuple(rollout_phases(shape, workload, kv_bytes=kv_bytes))
        gpus += [
            _gpu_plan(num_train + index, "rollout", serving, workload, usable_bytes) for index in range(num_rollout)
        ]
    return Plan(
        preset=config.name,
        device="cuda",
        card=card,
        shape=shape,
        workload=workload,
        gpus=tuple(gpus),
        kv_cache_bytes=kv_bytes,
        num_nodes=config.hardware.num_nodes,
        max_steps=config.train.max_steps,
        step_time=estimate_step(shape, workload, card, kv_bytes=kv_bytes) if card else None,
    )


def _plan_on_host(config: RunConfig, shape: ModelShape, host_bytes: int | None) -> Plan:
    if host_bytes is None:
        raise ValueError("host_bytes is None; a plan for a CPU needs the machine's memory.")
    workload = workload_of(config, shape)
    # On a CPU host memory is the device: nothing can be parked there.
    workload = replace(
        workload,
        reference="gpu" if workload.reference == "host" else workload.reference,
        optimizer="adamw" if workload.optimizer == "adamw_offloaded" else workload.optimizer,
    )
    usable_bytes = int(_USABLE_SHARE_OF_HOST * host_bytes)
    phases = tuple(train_phases(shape, workload, kv_bytes=0))
    gpu = _gpu_plan(0, "both", phases, workload, usable_bytes, device="cpu")
    return Plan(config.name, "cpu", None, shape, workload, (gpu,), 0, max_steps=config.train.max_steps)


def _gpu_plan(
    index: int, role: Role, phases: tuple[Phase, ...], workload: Workload, usable_bytes: int, device: str = "cuda"
) -> GpuPlan:
    upper = max(upper_bytes(phase, workload, device=device) for phase in phases)
    return GpuPlan(index, role, usable_bytes, upper, phases)
