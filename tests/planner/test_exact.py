"""Where a step was simulated, its bytes decide the verdict, and one line says by how much the formula differs."""

from dataclasses import replace

import pytest

from leanrl.config.load import load_config
from leanrl.planner.exact import judged
from leanrl.planner.measured import MeasuredStep
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.plan import plan_run
from leanrl.simulate.fake_model import transformers_config
from leanrl.simulate.step import simulate_step
from tests.planner.sample_runs import GIB, SMALL_STEP, four_card_server, single_card

STEP_PHASES = ("load", "reference", "forward_backward", "optimizer_step")


def step_of(plan, **more_bytes):
    """Return a step that holds what the plan's own does, without vLLM, and more in the phases that are named."""
    phases = {}
    for phase in plan.gpus[0].phases:
        if phase.name in STEP_PHASES:
            parts = {name: size for name, size in phase.components.items() if not name.startswith("engine")}
            parts.pop("KV cache", None)
            phases[phase.name] = parts | {"activations": more_bytes.get(phase.name, 0)}
    return MeasuredStep(phases)


def test_a_step_as_planned_changes_nothing_but_the_source():
    plan = plan_run(single_card("lora"))
    found = judged(plan, step_of(plan))
    assert (found.plan.verdict, found.difference_bytes) == (plan.verdict, 0)
    assert found.plan.source == "simulation"
    assert "(+0.0%)" in found.line
    assert "by the formula it" not in found.line
    assert "Both numbers hold engine CUDA graphs (1.1 GiB)" in found.line


def test_a_step_that_takes_more_than_the_card_turns_the_verdict():
    """The formula says it fits 23.5 GiB; a simulated step of 20 GiB more does not."""
    plan = plan_run(single_card("lora"))
    assert plan.verdict == "fits"
    found = judged(plan, step_of(plan, forward_backward=20 * GIB))
    assert found.plan.verdict == "does_not_fit"
    by_phase = {phase.name: phase.bytes for phase in plan.gpus[0].phases if phase.name in STEP_PHASES[1:]}
    assert found.difference_bytes == by_phase["forward_backward"] + 20 * GIB - max(by_phase.values())
    assert "; by the formula it would fit." in found.line
    assert "engine CUDA graphs" in found.line


def test_fixes_of_the_formula_go_with_its_verdict():
    plan = plan_run(single_card("full", gpu="rtx3060-12"))
    assert plan.offers
    fewer = MeasuredStep({name: {"weights": GIB} for name in STEP_PHASES})
    found = judged(plan, fewer)
    assert (found.plan.verdict, found.plan.offers) == ("fits", ())
    assert judged(plan, step_of(plan)).plan.offers == plan.offers


def test_a_card_that_only_generates_keeps_its_plan():
    plan = plan_run(four_card_server())
    found = judged(plan, step_of(plan, forward_backward=GIB))
    assert found.plan.gpus[3] == plan.gpus[3]
    assert {gpu.upper_bytes > plan.gpus[0].upper_bytes for gpu in found.plan.gpus[:3]} == {True}
    assert "no rollout engine" in found.line


@pytest.mark.parametrize("method", ["full", "lora"])
def test_on_a_card_between_the_two_numbers_the_simulation_decides(method):
    """Real numbers of both: the verdict of either alone would be another."""
    shape = ModelShape("llama", 2, 128, 320, 4, 2, 32, 512, tied=True)
    values = SMALL_STEP | {"model.tuning.method": method, "train.tile_tokens": 512, "hardware.gpu": "rtx4090"}
    config = load_config("plain", [f"{key}={value}" for key, value in values.items()]).config
    phases = simulate_step(config, transformers_config(shape)).phases
    step = MeasuredStep({phase.name: phase.categories for phase in phases})
    plan = plan_run(config, shape=shape)
    by_formula, simulated = plan.worst.upper_bytes, judged(plan, step).plan.worst.upper_bytes
    assert by_formula != simulated
    between = (by_formula + simulated) // 2
    narrow = replace(plan, gpus=tuple(replace(gpu, usable_bytes=between) for gpu in plan.gpus))
    found = judged(narrow, step)
    assert (narrow.verdict == "fits") == (by_formula < simulated)
    assert (found.plan.verdict == "fits") == (simulated < by_formula)
    assert "by the formula it" in found.line
