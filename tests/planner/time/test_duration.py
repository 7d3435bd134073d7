"""Seconds of a step, by hand and against published runs."""

from dataclasses import replace

import pytest

from leanrl.config.sections.schedules import Schedule, SchedulesConfig
from leanrl.planner.machine.cards import Card
from leanrl.planner.models.families import FAMILIES
from leanrl.planner.models.shapes import ModelShape, shape_from_config
from leanrl.planner.plan import plan_run
from leanrl.planner.time.compute_rate import BANDWIDTH_SHARE, compute_share
from leanrl.planner.time.duration import estimate_step, training_operations
from leanrl.planner.time.length_profile import LengthProfile, middle_profile
from leanrl.planner.time.rollout_time import generation_seconds
from leanrl.planner.workload import Workload
from tests.planner.family_sizes import sizes
from tests.planner.sample_runs import four_card_server, single_card

# 1 layer, hidden 8, MLP 12, 2 heads of 4, 1 of keys and values, 100 words, tied: 800 + 488 + 8 parameters.
TINY = ModelShape("llama", 1, 8, 12, 2, 1, 4, 100, tied=True)
# A million bytes and, in passes of few tokens, operations a second.
CARD = Card("slow", "a slow card", 10**9, 1e6 / BANDWIDTH_SHARE, 1e6 / compute_share(1))


def all_at(limit: int) -> LengthProfile:
    """Every completion reaches the limit."""
    return LengthProfile(limit, limit)


HALF = LengthProfile(50, 100)


def test_generation_by_hand():
    """2 sequences of 10 prompt and 20 new tokens at a million bytes and operations a second.

    Weights: 20 steps x 2 x 1304 bytes = 52,160. KV cache: 2 x 20 tokens that see 10 + 20 / 2 on average,
    16 bytes each: 12,800. Steps: 20 x 4 ms = 0.08. Prompt: 2 operations x 480 linear weights x 10 x 2 = 19,200. One
    second for the round.
    """
    assert TINY.num_params == 800 + 480 + 16 + 8
    seconds = generation_seconds(TINY, server(count=2, prompt=20, limit=20), CARD, kv_bytes=10**9, lengths=all_at(20))
    assert seconds == pytest.approx(0.052160 + 0.0128 + 0.08 + 0.0192 + 1)


def server(*, count: int, prompt: int, limit: int) -> Workload:
    """A server that makes `count` completions; prompts are half as long as `prompt`."""
    return Workload(
        engine="vllm-server",
        num_rollout_gpus=1,
        completions_per_step=count,
        prompt_tokens=prompt,
        completion_tokens=limit,
    )


def test_an_adapter_costs_a_decoding_step_more():
    full, adapter = (
        generation_seconds(
            TINY, replace(server(count=2, prompt=20, limit=20), method=method), CARD, kv_bytes=10**9, lengths=all_at(20)
        )
        for method in ("full", "lora")
    )
    assert adapter - full == pytest.approx(20 * 1 * 0.00015)


def test_sequences_that_have_ended_are_not_read():
    """vLLM reads 4 x (prompt x mean + mean square / 2) tokens, `generate` 4 rows up to the longest."""
    lengths = LengthProfile(30, 100)
    drawn = lengths.distribution
    longest, mean, square = drawn.longest(4, 100), drawn.mean(100), drawn.mean_square(100)
    assert mean < longest < 100
    vllm = generation_seconds(TINY, server(count=4, prompt=20, limit=100), CARD, kv_bytes=10**9, lengths=lengths)
    prefill = 2 * 480 * 10 * 4 / 1e6
    bytes_read = longest * 2608 + 16 * 4 * (10 * mean + square / 2)
    assert vllm == pytest.approx(bytes_read / 1e6 + longest * 0.004 + prefill + 1)
    workload = Workload(completions_per_rank=4, prompt_tokens=20, completion_tokens=100)
    generate = generation_seconds(TINY, workload, CARD, kv_bytes=0, lengths=lengths)
    bytes_read = longest * 2608 + 16 * 4 * (10 * longest + longest**2 / 2)
    assert generate == pytest.approx(bytes_read / 1e6 + longest * 0.001 + prefill)


def test_crowded_generation():
    """Half of the KV cache that 2 sequences of 12 + 20 tokens need: the weights are read twice."""
    workload = server(count=2, prompt=24, limit=20)
    one, two = (generation_seconds(TINY, workload, CARD, kv_bytes=kv, lengths=all_at(20)) for kv in (10**9, 32 * 16))
    assert two - one == pytest.approx(20 * (2 * 1304 / 1e6 + 0.004))


def test_a_cache_that_the_limit_would_overfill_may_do_for_real_lengths():
    """64 sequences of a mean of 50 of 1000 tokens: at the fullest moment most have ended."""
    workload, lengths = server(count=64, prompt=20, limit=1000), LengthProfile(50, 1000)
    seconds = [
        generation_seconds(TINY, workload, CARD, kv_bytes=16 * tokens, lengths=lengths)
        for tokens in (64 * 1010, 64 * 70, 64 * 20, 64 * 5)
    ]
    assert seconds[0] == seconds[1] < seconds[2] < seconds[3]


@pytest.mark.parametrize(("tokens", "share"), [(1, 0.25), (256, 0.25), (512, 0.325), (1024, 0.4), (9999, 0.5)])
def test_longer_passes_come_nearer_to_the_rate_of_the_card(tokens, share):
    """Half way between 256 and 1024 in the logarithm is 512: (0.25 + 0.40) / 2."""
    assert compute_share(tokens) == pytest.approx(share)


def test_padded_rows_are_as_long_as_the_longest_of_their_micro_batch():
    """A head alone counts tokens: 3 passes of 2 x 800 operations a token, for a million a second."""
    lengths = LengthProfile(25, 50)
    head = replace(TINY, num_layers=0)
    for count in (1, 2, 4):
        workload = Workload(
            method="lora", completions_per_rank=4, micro_batch_completions=count, prompt_tokens=1, completion_tokens=50
        )
        seconds = estimate_step(head, workload, CARD, kv_bytes=1, lengths=lengths).gradients
        assert seconds == pytest.approx(4 * 3 * 1600 * lengths.distribution.longest(count, 50) / 1e6)


def test_short_rows_fill_a_budget_of_tokens_with_fewer_passes():
    """8 rows of at most 10 + 100 tokens, one of them a pass of 110: with a mean of 5 + 10 all take 120 / 110 passes.

    Passes of few tokens reach a quarter of the rate, whatever they hold here; the launches of a pass take 2 ms.
    """
    rows = Workload(
        packs_rows=True, completions_per_rank=8, num_micro_batches=8, prompt_tokens=10, completion_tokens=100
    )
    lengths = LengthProfile(10, 100)
    by_rows, by_tokens = (
        estimate_step(TINY, replace(rows, counts_tokens=counts), CARD, kv_bytes=1, lengths=lengths).gradients
        for counts in (False, True)
    )
    assert by_rows - by_tokens == pytest.approx(0.002 * (8 - 8 * 15 / 110))


def test_packed_rows_are_as_long_as_they_are():
    workload = Workload(packs_rows=True, micro_batch_completions=4, prompt_tokens=40, completion_tokens=100)
    single = replace(workload, packs_rows=False, micro_batch_completions=1)
    packed, mean, padded = (
        estimate_step(TINY, one, CARD, kv_bytes=1, lengths=HALF).gradients
        for one in (workload, single, replace(workload, packs_rows=False))
    )
    assert mean < packed < padded  # attention follows the mean square, not the squared mean


@pytest.mark.parametrize(
    ("method", "activations", "expected"),
    [
        # Body 2 x 480 x 10 tokens = 9600 a pass; attention 2 x 10 x 10 x 8 = 1600; head 2 x 800 x 5 = 8000.
        ("full", "checkpointed", 9600 * 4 + 1600 * 4 + 8000 * 4),
        ("full", "kept", 9600 * 3 + 1600 * 3 + 8000 * 4),
        ("lora", "checkpointed", 9600 * 3 + 1600 * 4 + 8000 * 3),
    ],
)
def test_training_by_hand(method, activations, expected):
    workload = Workload(method=method, activations=activations, prompt_tokens=10, completion_tokens=5)
    launches = 0.002
    seconds = estimate_step(TINY, workload, CARD, kv_bytes=1, lengths=all_at(5)).gradients
    assert seconds == pytest.approx(expected / 1e6 + launches)


def test_iterations_share_the_rollout():
    workload = Workload(engine="vllm-server", num_rollout_gpus=1)
    once, twice = (
        estimate_step(TINY, replace(workload, num_iterations=number), CARD, kv_bytes=10**9, lengths=HALF)
        for number in (1, 2)
    )
    assert twice.generation == pytest.approx(once.generation / 2)
    assert twice.gradients == once.gradients


def test_updates_share_the_rollout_and_train_on_a_part_of_it():
    """Two updates of half the completions each: the engine makes as many at once, every other step."""
    whole = Workload(engine="vllm-server", num_rollout_gpus=1, completions_per_rank=8, completions_per_step=8)
    half = replace(whole, completions_per_rank=4, completions_per_step=4, updates_per_rollout=2)
    one, two = (estimate_step(TINY, workload, CARD, kv_bytes=10**9, lengths=HALF) for workload in (whole, half))
    assert half.completions_per_engine == whole.completions_per_engine == 8
    assert two.generation == pytest.approx(one.generation / 2)
    assert two.sync == pytest.approx(one.sync / 2)


@pytest.mark.parametrize(
    ("changes", "passes"),
    [
        ({}, 0),
        ({"reference": "adapter_off"}, 1),
        ({"lora_dropout": 0.1}, 0),  # nothing is compared
        ({"lora_dropout": 0.1, "engine": "vllm-colocate"}, 1),  # importance ratios
        ({"num_iterations": 2}, 1 / 2),  # old log-probabilities, once for two steps
        ({"updates_per_rollout": 2}, 1),  # each step's part once
        ({"num_iterations": 2, "lora_dropout": 0.1}, (1 + 1) / 2),  # old for the first step, new for the second
        ({"updates_per_rollout": 2, "lora_dropout": 0.1}, 1 + 1 / 2),  # every second step scores its part anew
        ({"num_iterations": 2, "lora_dropout": 0.1, "reference": "adapter_off"}, (2 + 1) / 2),
    ],
)
def test_passes_that_score_without_a_gradient(changes, passes):
    """In units of a step's completions; a reference scores each of them once in one step."""
    workload = Workload(method="lora")
    seconds = estimate_step(TINY, replace(workload, **changes), CARD, kv_bytes=10**9, lengths=HALF).reference
    once = estimate_step(TINY, replace(workload, reference="adapter_off"), CARD, kv_bytes=10**9, lengths=HALF).reference
    assert seconds == pytest.approx(passes * once)


def test_plan_carries_time_and_cost():
    """Hours are steps x seconds / 3600; dollars are hours x cards x price."""
    plan = plan_run(four_card_server())
    assert plan.step_time is not None
    assert plan.card is not None
    assert plan.card.price is not None
    hours = plan.step_time.seconds * 500 / 3600
    assert plan.total_hours == pytest.approx(hours, abs=0.01)
    assert plan.cost_usd == pytest.approx(hours * 4 * 0.4375, abs=0.05)
    time = plan.to_json()["time"]
    assert (time["step_seconds"], time["total_hours"]) == (plan.step_seconds, plan.total_hours)


def _with_stages(steps, values):
    schedules = SchedulesConfig(max_completion_tokens=Schedule(steps=steps, values=[float(value) for value in values]))
    return four_card_server().model_copy(update={"schedules": schedules})


def test_the_hours_of_stages_are_those_of_each_stages_steps():
    """500 steps: 100 of a quarter of the limit, 200 of a half, 200 of all of it."""
    limit = four_card_server().rollout.max_completion_tokens
    staged = _with_stages([0, 100, 300], [limit // 4, limit // 2, limit])
    plan, longest = plan_run(staged), plan_run(four_card_server())
    (_, first, short), (_, _, middle), (begin, last, long) = plan.stage_seconds
    assert (first, last, begin) == (limit // 4, limit, 300)
    assert short < middle < long == longest.step_time.seconds
    assert plan.total_hours == pytest.approx((100 * short + 200 * middle + 200 * long) / 3600, abs=0.01)
    assert plan.gpus == longest.gpus
    assert [stage["from_step"] for stage in plan.to_json()["time"]["stages"]] == [0, 100, 300]


def test_stages_behind_the_last_step_take_no_time():
    plan = plan_run(_with_stages([0, 900], [64, 128]))
    assert plan.total_hours == pytest.approx(500 * plan.stage_seconds[0][2] / 3600, abs=0.01)


def test_time_is_unknown_without_a_card():
    time = plan_run(single_card("lora", hardware={"num_gpus": 1}), vram_bytes=24 * 2**30).to_json()["time"]
    assert (time["step_seconds"], time["total_hours"], time["step_seconds_by_mean"]) == (None, None, {})


def test_without_lengths_the_time_is_a_range():
    """For means of 25, 50 and 80 % of the limit; the middle one stands for the plan."""
    plan = plan_run(single_card("lora", gpu="rtx4090"))
    limit = plan.workload.completion_tokens
    by_mean = plan.to_json()["time"]["step_seconds_by_mean"]
    assert list(by_mean) == [f"{share * limit:.0f}" for share in (0.25, 0.5, 0.8)]
    low, middle, high = by_mean.values()
    assert low < middle == plan.step_seconds < high
    assert plan.to_json()["time"]["completion_tokens"]["is_assumed"]


def test_a_run_that_does_not_fit_takes_no_time():
    time = plan_run(single_card("full", gpu="rtx3060-12")).to_json()["time"]
    assert (time["step_seconds"], time["step_seconds_by_mean"]) == (None, {})


def test_with_lengths_the_time_is_a_number_and_memory_is_that_of_the_longest():
    limit = 3584
    rollout = four_card_server().rollout.model_dump(exclude_unset=True) | {"engine": "vllm-colocate", "num_gpus": 0}
    lengths = {"mean_tokens": 0.25 * limit, "source": "a guess"}
    unknown, known = (plan_run(single_card("lora", rollout=rollout | {"lengths": each})) for each in ({}, lengths))
    time = known.to_json()["time"]
    assert time["step_seconds_by_mean"] == {f"{0.25 * limit:.0f}": known.step_seconds}
    expected = LengthProfile(0.25 * limit, limit, source="a guess")
    assert time["completion_tokens"] == expected.to_json(count=72, limit_tokens=limit)
    assert known.step_seconds == unknown.to_json()["time"]["step_seconds_by_mean"][f"{0.25 * limit:.0f}"]
    assert known.gpus == unknown.gpus


def test_cost_is_unknown_without_a_price():
    hardware = {"num_gpus": 1, "vram_gib": 47, "bandwidth_gb_per_second": 960, "bf16_tflops": 210}
    plan = plan_run(single_card("lora", hardware=hardware))
    assert plan.total_hours is not None
    assert plan.cost_usd is None


@pytest.mark.parametrize("family", FAMILIES)
def test_operations_of_every_family_are_those_of_its_weights(family):
    """Each weight of a linear layer multiplies each token, forward, again and backward: a frozen one 6 operations."""
    shape = shape_from_config({"model_type": family, **sizes(family)})
    workload = Workload(method="lora", lora_rank=8, completions_per_rank=4)
    lengths = middle_profile(workload.completion_tokens)
    least = 6 * shape.linear_params * 4 * lengths.distribution.mean(workload.completion_tokens)
    assert least < training_operations(shape, workload, lengths) < 4 * least
