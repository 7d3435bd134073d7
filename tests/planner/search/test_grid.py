"""A plan, its fixes and the search for settings that fit agree: a fixed sample of planner/plan_grid.py and more."""

import pytest

from benchmarks.planner.plan_grid import GRID, contradictions, examine
from leanrl.planner.machine.target import find_target
from leanrl.planner.models.known_models import find_shape
from leanrl.planner.plan import plan_run
from leanrl.planner.predict import predict
from leanrl.planner.search.fit import fit_run, search_of
from leanrl.planner.search.fixes import with_changes
from tests.planner.sample_runs import GIB, cpu_run, four_card_server, single_card

# Every eleventh: 37 plans, with each card, model, method and length among them.
SAMPLE = GRID[::11]


def test_the_sample_has_every_value_of_the_grid():
    for name in ("card", "model", "method", "completion_tokens"):
        assert {getattr(case, name) for case in SAMPLE} == {getattr(case, name) for case in GRID}


@pytest.mark.parametrize("case", SAMPLE, ids=lambda case: f"{case.card}-{case.model}-{case.method}")
def test_sample_of_the_grid(case):
    assert examine(case)["contradictions"] == []


def automatic(method):
    return single_card(method, train={"max_tokens_per_micro_batch": "auto"})


@pytest.mark.parametrize("gib", [1, 3, 6, 9, 12, 20])
@pytest.mark.parametrize(
    "config",
    [
        four_card_server(),
        with_changes(four_card_server(), {"hardware.parallel": "ddp"}),
        automatic("full"),
        automatic("lora"),
        single_card("qlora", train={"micro_batch_completions": 5, "tile_tokens": None, "pack_rows": "never"}),
        single_card("lora", rollout={"engine": "hf", "max_completion_tokens": 3584}),
    ],
    ids=["server", "ddp", "auto-full", "auto-lora", "uneven-qlora", "hf"],
)
def test_runs_beside_the_grid(config, gib):
    """Servers, shards, budgets that are chosen, and sizes that divide nothing."""
    plan, found = plan_run(config, vram_bytes=gib * GIB), fit_run(config, vram_bytes=gib * GIB)
    sized = with_changes(config, {"hardware.vram_gib": float(gib)})
    assert list(contradictions(sized, plan, found)) == []


@pytest.mark.parametrize("host", [None, 16])
@pytest.mark.parametrize("gib", [6, 10.5, 17])
@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
def test_the_leanest_settings_tell_whether_any_fit(method, gib, host):
    """What the search asks first, against every combination of settings."""
    config, host_bytes = single_card(method), None if host is None else host * GIB
    shape, target = find_shape(config.model.id), find_target(config, vram_bytes=int(gib * GIB), host_bytes=host_bytes)
    search = search_of(config, shape, target)
    is_found = search.first is not None and not search.first.variant
    everything = (predict(with_changes(config, changes), shape, target) for changes in search.all_settings({}))
    assert is_found == any(plan.verdict == "fits" for plan in everything)


@pytest.mark.parametrize("gib", [1, 2, 3, 4])
def test_cpu(gib):
    config = with_changes(cpu_run(), {"model.tuning.method": "full", "model.dtype": "float32"})
    plan, found = (make(config, host_bytes=gib * GIB) for make in (plan_run, fit_run))
    assert (plan.verdict == "fits" or bool(plan.fixes)) == found.fits
    for fix in plan.offers:
        assert plan_run(with_changes(config, fix.changes), host_bytes=gib * GIB).verdict == "fits"
