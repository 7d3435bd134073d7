"""Floors beside a plan."""

from dataclasses import astuple

import pytest

from benchmarks.planner.plan_grid import GRID
from leanrl.planner.automatic import automatic_changes
from leanrl.planner.machine.target import find_target
from leanrl.planner.memory.floors import find_floors
from leanrl.planner.memory.rollout_engine import wanted_kv_bytes
from leanrl.planner.models.known_models import KNOWN_MODELS, find_shape
from leanrl.planner.plan import plan_run
from leanrl.planner.predict import predict, with_floors
from leanrl.planner.search.fit import fit_run
from leanrl.planner.search.fixes import is_refused, with_changes
from leanrl.planner.text.table import plan_table
from leanrl.planner.workload import Workload
from tests.planner.sample_runs import DISTILL, GIB, cpu_run, four_card_server, single_card

SHAPE = KNOWN_MODELS[DISTILL]


def six_rows(method: str) -> Workload:
    """6 completions of 512 + 3584 tokens, and an adapter of rank 32 where there is one."""
    return Workload(
        method=method,  # type: ignore[arg-type]
        lora_rank=0 if method == "full" else 32,
        lora_targets=() if method == "full" else tuple(SHAPE.linears),
        micro_batch_completions=6,
        completions_per_rank=6,
        completions_per_step=6,
        prompt_tokens=512,
        completion_tokens=3584,
        engine="vllm-colocate",
        engine_model_tokens=4096,
    )


def test_floor_with_a_shared_base():
    """Set by the rollout. In GiB: base 3.31, adapter 0.14, Adam 0.28, KV cache 0.66, and the engine's activations
    0.12, buffers 0.07, sampler 0.01 and graphs 1.15: 5.75."""
    workload = six_rows("lora")
    shared, separate = find_floors(SHAPE, workload, kv_bytes=wanted_kv_bytes(SHAPE, workload))
    assert (shared.name, shared.phase) == ("base shared with the engine", "rollout")
    assert shared.bytes / GIB == pytest.approx(5.75, abs=0.05)
    assert separate.bytes - shared.bytes == 2 * SHAPE.num_params


@pytest.mark.parametrize("method", ["qlora", "full"])
def test_no_floor_is_promised_for_a_sharing_that_does_not_exist(method):
    workload = six_rows(method)
    assert [floor.name for floor in find_floors(SHAPE, workload, kv_bytes=GIB)] == ["separate base"]


def test_floor_uses_the_keys_and_values_of_the_plan():
    workload = six_rows("lora")
    less, more = (find_floors(SHAPE, workload, kv_bytes=gib * GIB)[0].bytes for gib in (2, 3))
    assert more - less == GIB


def needs_and_floors(config, **target):
    """Return the need of a training card, as a plan prints it, beside its floors."""
    shape, there = find_shape(config.model.id), find_target(config, **target)
    plan = with_floors(predict(with_changes(config, automatic_changes(config, shape, there)), shape, there))
    return plan.gpus[0].peak.bytes, [floor.bytes for floor in plan.floors]


@pytest.mark.parametrize("case", GRID[::7], ids=lambda case: "-".join(map(str, astuple(case))))
def test_no_floor_is_above_the_need_of_a_plan_of_the_grid(case):
    """Every seventh, which has each card, model, method and length; benchmarks/planner/plan_grid.py asks it of all."""
    need, floors = needs_and_floors(case.config())
    assert floors
    assert all(0 < floor <= need for floor in floors)


OTHER_SETTINGS = (
    {},
    {"rollout.share_base": "auto"},
    {"rollout.engine": "hf"},
    {"train.gradient_checkpointing": False},
    {"train.tile_tokens": 32, "train.offload_activations": True},
    {"rollout.sleep_level": 0},
)
CONFIGS = (single_card("lora"), single_card("full"), single_card("qlora"), four_card_server())
ACCEPTED = [(config, changes) for config in CONFIGS for changes in OTHER_SETTINGS if not is_refused(config, changes)]


@pytest.mark.parametrize("gib", [1, 8, 24, 80])
@pytest.mark.parametrize(("config", "changes"), ACCEPTED)
def test_no_floor_is_above_the_need_of_other_settings(config, changes, gib):
    """With less than a plan's own tile, and with what the floor's own settings take away."""
    need, floors = needs_and_floors(with_changes(config, changes), vram_bytes=gib * GIB)
    assert all(0 < floor <= need for floor in floors)


def test_what_is_left_out_is_what_leanrl_train_refuses():
    """A card that is kept for rollouts, and an engine that uses the training cards."""
    refused = [
        (config, changes) for config in CONFIGS for changes in OTHER_SETTINGS if (config, changes) not in ACCEPTED
    ]
    assert refused == [(four_card_server(), {"rollout.engine": "hf"})]


def test_settings_leaner_than_the_lean_ones_are_the_floor():
    """Tiles of 32 tokens, where the lean settings have an eighth of a row; a server generates elsewhere."""
    adapter = {"model.tuning.method": "lora", "hardware.parallel": "ddp", "model.dtype": "bfloat16"}
    small = {"train.micro_batch_completions": 1, "train.tile_tokens": 32, "train.offload_activations": True}
    need, floors = needs_and_floors(with_changes(four_card_server(), adapter | small))
    assert floors == [need]


@pytest.mark.parametrize(
    ("config", "gib"), [(four_card_server(), 11.6), (single_card("full"), 13), (four_card_server(), 44)]
)
def test_no_settings_are_leaner_than_the_floor(config, gib):
    """Three ranks on 12 GB cards take all completions at once: one at a time, whole gradients would add up."""
    plan = fit_run(config, vram_bytes=int(gib * GIB)).plan
    assert all(floor.bytes <= plan.gpus[0].peak.bytes for floor in plan.floors)


def test_a_plan_that_shares_the_base_has_no_floor_of_two_bases():
    separate, sharing = single_card("lora"), with_changes(single_card("lora"), {"rollout.share_base": "auto"})
    assert plan_run(sharing).floors == plan_run(separate).floors[:1]


def test_floors_are_printed_and_no_key_of_the_contract():
    plan = plan_run(single_card("lora"))
    text = plan_table(plan)
    assert all(f"{floor.bytes / GIB:.1f} GiB ({floor.name})" in text for floor in plan.floors)
    assert "floors" not in plan.to_json()


def test_no_floor_on_a_cpu():
    assert plan_run(cpu_run(), host_bytes=16 * GIB).floors == ()
