"""What a run has measured, taken over: the same machine in another run, and what another machine keeps."""

from dataclasses import replace

import pytest

from leanrl.planner.machine.cards import CARDS
from leanrl.planner.machine.cpu_speed import NOMINAL_CPU
from leanrl.planner.memory.allocation import PROCESS_BYTES
from leanrl.planner.past_runs.calibrate import calibrate
from leanrl.planner.past_runs.calibration import (
    Calibration,
    Conditions,
    Speeds,
    carried_over,
    closed_form_time,
    corrected_time,
)
from leanrl.planner.past_runs.measured_run import MeasuredRun
from leanrl.planner.past_runs.step_seconds import planned_seconds
from leanrl.planner.plan import plan_run
from leanrl.planner.time.duration import StepTime, estimate_step
from leanrl.planner.time.length_profile import LengthProfile
from tests.planner.sample_runs import GIB, cpu_run, run, single_card

LENGTHS = LengthProfile(12.5, 14, cut_share=0.06, source="a run")
HOST_BYTES = 24 * 2**30
HERE = Conditions("a CPU with 2 cores", "hf", "bfloat16")


def measured_run(config, seconds, *, machine, lengths=LENGTHS, prompt_tokens=None, taught_share=1.0, peak_bytes=None):
    return MeasuredRun(
        path="runs/first",
        config=config,
        machine=machine,
        num_steps=4,
        seconds=seconds,
        lengths=lengths,
        longest_tokens=config.rollout.max_completion_tokens,
        prompt_tokens=prompt_tokens,
        taught_share=taught_share,
        peak_bytes=peak_bytes or {},
        usable_bytes=None,
    )


def seconds_on(card, plan, lengths, *, taught_share=1.0):
    """Seconds of a step, as a machine of these speeds would log them."""
    time = estimate_step(plan.shape, plan.workload, card, kv_bytes=plan.kv_cache_bytes, lengths=lengths)
    seconds = planned_seconds(time) | {"grading": 0.32}
    return seconds | {"gradients": seconds["gradients"] * taught_share}


def cpu_variant(**changes):
    """The run on a CPU with other values, by section."""
    values = cpu_run().model_dump()
    return run(**(values | {name: values[name] | section for name, section in changes.items()}))


@pytest.mark.parametrize(
    "changes",
    [
        {"rollout": {"max_completion_tokens": 200}},
        {"train": {"num_prompts": 16, "micro_batch_completions": 8}},
        {"model": {"id": "Qwen/Qwen2.5-1.5B-Instruct"}},
        {"train": {"gradient_checkpointing": False}},
    ],
)
def test_a_machine_has_its_speed_in_every_run(changes):
    """A CPU at half of the reads and a third of the products: another run is planned within 10 % of its seconds."""
    real = replace(
        NOMINAL_CPU,
        bandwidth_bytes_per_second=NOMINAL_CPU.bandwidth_bytes_per_second / 2,
        bf16_flops=NOMINAL_CPU.bf16_flops / 3,
    )
    first = plan_run(cpu_run(), host_bytes=HOST_BYTES)
    run_there = measured_run(cpu_run(), seconds_on(real, first, LENGTHS), machine="m")
    plan = plan_run(cpu_variant(**changes), host_bytes=HOST_BYTES, calibration=calibrate(run_there, first))
    truth = estimate_step(plan.shape, plan.workload, real, kv_bytes=0, lengths=plan.lengths)
    assert plan.step_time.generation == pytest.approx(truth.generation, rel=0.1)
    assert plan.step_time.gradients == pytest.approx(truth.gradients, rel=0.1)
    assert plan.step_time.optimizer == pytest.approx(truth.optimizer)


def test_a_run_planned_from_itself_takes_what_it_took():
    """Each part on its own scale: generation 3 times as slow, gradients at half, 0.5 s in no part."""
    first = plan_run(cpu_run(), host_bytes=HOST_BYTES)
    nominal = seconds_on(NOMINAL_CPU, first, LENGTHS)
    seconds = {"generation": 3 * nominal["generation"], "gradients": nominal["gradients"] / 2, "grading": 0.32}
    seconds["optimizer"] = nominal["optimizer"]
    seconds["step"] = sum(seconds.values()) + 0.5
    calibration = calibrate(measured_run(cpu_run(), seconds, machine="m"), first)
    closed_form = closed_form_time(
        first.shape, first.workload, None, kv_bytes=0, lengths=LENGTHS, factors=calibration.factors
    )
    time = corrected_time(closed_form, first.workload, calibration)
    assert time.generation == pytest.approx(seconds["generation"])
    assert time.gradients == pytest.approx(seconds["gradients"])
    assert time.bookkeeping == pytest.approx(0.32 + 0.5)
    assert time.seconds == pytest.approx(seconds["step"])


def test_prompts_are_as_long_as_they_were():
    """Prompts of 100 tokens, planned as half of 128 and of 1024: a higher limit makes none of them longer."""
    first = plan_run(cpu_run(), host_bytes=HOST_BYTES)
    real = replace(first, workload=replace(first.workload, prompt_tokens=200))
    seconds = seconds_on(NOMINAL_CPU, real, LENGTHS)
    calibration = calibrate(measured_run(cpu_run(), seconds, machine="m", prompt_tokens=100.0), first)
    assert calibration.factors["gradients"] == pytest.approx(1)
    higher = cpu_variant(rollout={"max_prompt_tokens": 1024})
    times = [
        plan_run(config, host_bytes=HOST_BYTES, calibration=calibration).step_time for config in (cpu_run(), higher)
    ]
    assert times[0] == times[1]


def test_grading_follows_the_completions():
    """0.32 s for 32 completions are 10 ms each: 64 completions take 0.64 s."""
    first = plan_run(cpu_run(), host_bytes=HOST_BYTES)
    seconds = seconds_on(NOMINAL_CPU, first, LENGTHS)
    calibration = calibrate(measured_run(cpu_run(), seconds, machine="m"), first)
    assert calibration.grading_seconds == pytest.approx(0.01)
    twice = plan_run(cpu_variant(train={"num_prompts": 8}), host_bytes=HOST_BYTES, calibration=calibration)
    assert twice.step_time.bookkeeping - calibration.other_seconds == pytest.approx(0.64)


def test_tokens_that_taught_nothing_are_no_speed():
    """A third of the tokens was left out: the machine is as fast as counted, and the next run leaves as many out."""
    first = plan_run(cpu_run(), host_bytes=HOST_BYTES)
    seconds = seconds_on(NOMINAL_CPU, first, LENGTHS, taught_share=2 / 3)
    calibration = calibrate(measured_run(cpu_run(), seconds, machine="m", taught_share=2 / 3), first)
    assert calibration.factors["gradients"] == pytest.approx(1)
    time = StepTime(generation=1, reference=1, gradients=3, exchange=0, sync=0, optimizer=0)
    assert corrected_time(time, first.workload, calibration).gradients == pytest.approx(2)


def test_a_run_that_taught_nothing_has_no_speed_of_training():
    """Its generation is measured all the same; without a data sheet the next step cannot be predicted."""
    first = plan_run(cpu_run(), host_bytes=HOST_BYTES)
    seconds = seconds_on(NOMINAL_CPU, first, LENGTHS) | {"gradients": 0.01}
    calibration = calibrate(measured_run(cpu_run(), seconds, machine="m", taught_share=0.0), first)
    assert "generation" in calibration.factors
    assert "gradients" not in calibration.factors
    assert calibration.refused[0].startswith("the speed of training: ")
    assert calibration.to_json()["decoding_step_seconds"] > 0
    assert calibration.to_json()["training_flops_per_second"] is None
    assert plan_run(cpu_run(), host_bytes=HOST_BYTES, calibration=calibration).step_time is None


def test_a_card_that_is_slower_than_its_data_sheet():
    """A card at 70 % of the bandwidth and 60 % of the rate; other lengths and another batch are within 5 %."""
    config, card = single_card("lora", gpu="rtx4090"), CARDS["rtx4090"]
    real = replace(
        card,
        bandwidth_bytes_per_second=0.7 * card.bandwidth_bytes_per_second,
        bf16_flops=0.6 * card.bf16_flops,
    )
    first = plan_run(config)
    lengths = LengthProfile(900, 3584, cut_share=0.02, source="a run")
    calibration = calibrate(
        measured_run(config, seconds_on(real, first, lengths), machine="rtx4090", lengths=lengths), first
    )
    assert {"generation", "gradients"} <= calibration.factors.keys()
    changed = single_card("lora", gpu="rtx4090", train={"num_prompts": 4, "num_completions": 8})
    plan = plan_run(changed, calibration=calibration)
    truth = estimate_step(plan.shape, plan.workload, real, kv_bytes=plan.kv_cache_bytes, lengths=plan.lengths)
    assert plan.step_time.gradients == pytest.approx(truth.gradients, rel=0.05)
    assert plan.step_time.generation == pytest.approx(truth.generation, rel=0.05)


def test_a_cpu_without_measurements_has_no_time():
    assert plan_run(cpu_run(), host_bytes=HOST_BYTES).step_time is None
    without = Calibration("r", 1, HERE, factors={"generation": 2.0})
    assert plan_run(cpu_run(), host_bytes=HOST_BYTES, calibration=without).step_time is None


def test_the_measured_process_takes_the_place_of_the_assumed_one():
    """The peak was 2 GiB above its tensors: the upper estimate has 2 GiB where it had 0.75.

    What the phase of the peak has freed is resident in the next one: 2 GiB above the fullest, not above that.
    """
    first = plan_run(cpu_run(), host_bytes=HOST_BYTES)
    above, highest = 2 * GIB, first.gpus[0].peak.bytes
    peaks = {"rollout": GIB, "forward_backward": highest + above, "optimizer_step": highest + above}
    seconds = seconds_on(NOMINAL_CPU, first, LENGTHS)
    calibration = calibrate(measured_run(cpu_run(), seconds, machine="m", peak_bytes=peaks), first)
    assert calibration.overhead_bytes == above
    second = plan_run(cpu_run(), host_bytes=HOST_BYTES, calibration=calibration)
    assert second.gpus[0].upper_bytes - first.gpus[0].upper_bytes == above - PROCESS_BYTES


def test_overhead_is_above_the_rows_that_occurred():
    """Rows of 60 + 7 tokens of 128 + 14 took what their own plan says: the process had nothing beside it."""
    first = plan_run(cpu_run(), host_bytes=HOST_BYTES)
    shorter = cpu_variant(rollout={"max_prompt_tokens": 60, "max_completion_tokens": 7})
    peaks = {"forward_backward": plan_run(shorter, host_bytes=HOST_BYTES).gpus[0].peak.bytes + 1000}
    seconds = seconds_on(NOMINAL_CPU, first, LENGTHS)
    run_there = measured_run(cpu_run(), seconds, machine="m", prompt_tokens=60.0, peak_bytes=peaks)
    assert calibrate(replace(run_there, longest_tokens=7), first).overhead_bytes == pytest.approx(1000, abs=1)


MEASURED = Calibration(
    source="runs/first",
    num_steps=4,
    conditions=HERE,
    factors={"generation": 2.0, "sync": 1.5, "reference": 1.2, "gradients": 3.0, "optimizer": 1.0},
    grading_seconds=0.01,
    other_seconds=0.1,
    taught_share=0.7,
    overhead_bytes=7,
    lengths=LENGTHS,
    prompt_tokens=60.0,
    speeds=Speeds(0.1, 1e9, 1e12),
)


@pytest.mark.parametrize(
    ("to", "kept", "says"),
    [
        (HERE, {"generation", "sync", "reference", "gradients", "optimizer"}, None),
        (replace(HERE, machine="a40"), set(), "measured on a CPU with 2 cores, the next run is on a40"),
        (replace(HERE, machine=None), set(), "a machine that is not known by name"),
        (replace(HERE, engine="vllm-colocate"), {"reference", "gradients", "optimizer"}, "measured with hf"),
        (replace(HERE, arithmetic="float32"), {"sync"}, "measured in bfloat16, the next run is in float32"),
    ],
)
def test_what_another_run_takes_over(to, kept, says):
    carried = carried_over(MEASURED, to, same_texts=None)
    assert set(carried.factors) == kept
    assert carried.lengths is LENGTHS
    assert (carried.overhead_bytes is None) == (not kept)
    assert [says in reason for reason in carried.refused] == ([] if says is None else [True])


def test_two_unknown_machines_are_not_the_same():
    unknown = replace(HERE, machine=None)
    assert carried_over(replace(MEASURED, conditions=unknown), unknown, same_texts=None).factors == {}


def test_other_texts_have_other_lengths_on_the_same_machine():
    carried = carried_over(MEASURED, HERE, same_texts="another model.id")
    assert (carried.lengths, carried.prompt_tokens, carried.taught_share) == (None, None, None)
    assert carried.factors == MEASURED.factors
    assert carried.refused == ("lengths: another model.id",)


@pytest.mark.parametrize(
    ("config", "arithmetic"),
    [
        (cpu_run(), "bfloat16"),
        (single_card("qlora"), "bfloat16 on an NF4 base"),
        (cpu_variant(model={"compute_dtype": "float32", "dtype": "float32"}), "float32"),
    ],
)
def test_arithmetic_of_a_run(config, arithmetic):
    assert Conditions.of(config, machine="m").arithmetic == arithmetic
