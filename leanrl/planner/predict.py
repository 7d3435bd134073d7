"""The prediction of one config on one target: phases of every card, bytes for the KV cache, seconds of a step."""

from dataclasses import replace
from functools import partial

from leanrl.config.scheduled import length_stages
from leanrl.config.schema import RunConfig
from leanrl.planner.machine.target import Target
from leanrl.planner.measured import MeasuredStep
from leanrl.planner.memory.allocation import upper_bytes
from leanrl.planner.memory.floors import find_floors
from leanrl.planner.memory.host_memory import host_need
from leanrl.planner.memory.kv_budget import choose_kv_bytes
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.past_runs.calibration import step_time
from leanrl.planner.phases import Phase, rollout_phases, train_phases
from leanrl.planner.prediction import GpuPlan, Plan, Role
from leanrl.planner.time.evaluation_time import evaluation_time
from leanrl.planner.time.length_profile import middle_profile, profile_of
from leanrl.planner.workload import Workload, workload_of


def predict(config: RunConfig, shape: ModelShape, target: Target, *, measured: MeasuredStep | None = None) -> Plan:
    """Return the plan of a config, without fixes and floors; a measured step takes the place of the formulas."""
    workload = workload_of(config, shape, vllm=target.vllm)
    on_target = _predict_on_host if target.device == "cpu" else _predict_on_cards
    return _with_evaluations(on_target(config, shape, workload, target, measured), config)


def _with_evaluations(plan: Plan, config: RunConfig) -> Plan:
    """Return the plan with the time of the evaluations during training, where the config asks for them."""
    if config.eval.every_steps is None or plan.lengths is None:
        return plan
    time_of = partial(
        step_time,
        plan.shape,
        card=plan.card,
        kv_bytes=plan.kv_cache_bytes,
        lengths=plan.lengths,
        calibration=plan.calibration,
    )
    return replace(plan, evaluations=evaluation_time(config, plan.workload, max_steps=plan.max_steps, time_of=time_of))


def with_floors(plan: Plan) -> Plan:
    """Return the plan with the floors of its training cards, which the closed form knows."""
    if plan.device == "cpu" or plan.source != "closed_form":
        return plan
    return replace(plan, floors=find_floors(plan.shape, plan.workload, kv_bytes=plan.kv_cache_bytes))


def _predict_on_cards(
    config: RunConfig, shape: ModelShape, workload: Workload, target: Target, measured: MeasuredStep | None
) -> Plan:
    card, usable_bytes = target.card, target.usable_bytes
    kv_bytes = choose_kv_bytes(shape, workload, usable_bytes=usable_bytes, measured=measured)
    lengths = profile_of(config) or middle_profile(workload.completion_tokens)
    num_rollout = config.rollout.num_gpus
    num_train = max(1, config.hardware.num_gpus - num_rollout)
    role: Role = "train" if workload.engine == "vllm-server" else "both"
    training = tuple(train_phases(shape, workload, kv_bytes=kv_bytes, measured=measured))
    gpus = [_gpu_plan(index, role, training, workload, target) for index in range(num_train)]
    if num_rollout > 0:
        serving = tuple(rollout_phases(shape, workload, kv_bytes=kv_bytes))
        last = num_train + num_rollout
        gpus += [_gpu_plan(index, "rollout", serving, workload, target) for index in range(num_train, last)]
    return Plan(
        preset=config.name,
        device="cuda",
        card=card,
        shape=shape,
        workload=workload,
        gpus=tuple(gpus),
        kv_cache_bytes=kv_bytes,
        host=host_need(
            shape,
            workload,
            num_ranks=num_train,
            has_server=workload.engine == "vllm-server" and num_rollout > 0,
            total_bytes=target.host_bytes,
        ),
        num_nodes=config.hardware.num_nodes,
        max_steps=None if config.train.epochs is not None else config.train.max_steps,
        length_stages=length_stages(config),
        step_time=step_time(shape, workload, card, kv_bytes=kv_bytes, lengths=lengths, calibration=target.calibration),
        lengths=lengths,
        calibration=target.calibration,
        source="simulation" if measured else "closed_form",
    )


def _predict_on_host(
    config: RunConfig, shape: ModelShape, workload: Workload, target: Target, measured: MeasuredStep | None
) -> Plan:
    # On a CPU host memory is the device: nothing can be parked there. vLLM packs its weights for the CPU's kernels.
    workload = replace(
        workload,
        shares_base=False,
        reference="gpu" if workload.reference == "host" else workload.reference,
        optimizer="adamw" if workload.optimizer == "adamw_offloaded" else workload.optimizer,
    )
    phases = tuple(train_phases(shape, workload, kv_bytes=0, measured=measured))
    lengths = profile_of(config) or middle_profile(workload.completion_tokens)
    time = step_time(shape, workload, None, kv_bytes=0, lengths=lengths, calibration=target.calibration)
    return Plan(
        preset=config.name,
        device="cpu",
        card=None,
        shape=shape,
        workload=workload,
        gpus=(_gpu_plan(0, "both", phases, workload, target),),
        kv_cache_bytes=0,
        source="simulation" if measured else "closed_form",
        max_steps=None if config.train.epochs is not None else config.train.max_steps,
        length_stages=length_stages(config),
        step_time=time,
        lengths=None if time is None else lengths,
        calibration=target.calibration,
    )


def _gpu_plan(index: int, role: Role, phases: tuple[Phase, ...], workload: Workload, target: Target) -> GpuPlan:
    measured_bytes = None if target.calibration is None else target.calibration.overhead_bytes
    upper = max(upper_bytes(phase, workload, device=target.device, measured_bytes=measured_bytes) for phase in phases)
    return GpuPlan(index, role, target.usable_bytes, upper, phases)
