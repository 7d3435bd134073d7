"""The search for settings that fit, and the fixes of a plan."""

import json
import shlex
from pathlib import Path

import pytest

from leanrl.config.checks.check import find_warnings
from leanrl.config.checks.support import not_in_this_version
from leanrl.config.load import load_config
from leanrl.config.schema import RunConfig
from leanrl.planner.automatic import with_chosen
from leanrl.planner.plan import plan_run, plan_table
from leanrl.planner.search.fit import fit_run
from leanrl.planner.search.fixes import as_flags, is_refused, with_changes
from leanrl.planner.search.search_space import arithmetic_axes, variants
from leanrl.planner.text.fit_text import fit_text
from tests.planner.sample_runs import DISTILL, GIB, cpu_run, four_card_server, single_card


def after_flags(config: RunConfig, flags: str, folder: Path) -> RunConfig:
    """The config as somebody gets it who types the flags."""
    file = folder / "run.json"
    file.write_text(json.dumps(config.model_dump(mode="json")))
    words = shlex.split(flags)
    assert words[::2] == ["-s"] * (len(words) // 2)
    return load_config(file, words[1::2]).config


@pytest.mark.parametrize("gib", [40, 24, 16, 13])
def test_flags_give_the_plan_that_was_found(gib, tmp_path):
    config = single_card("full")
    fit = fit_run(config, vram_bytes=gib * GIB)
    assert fit.fits
    typed = after_flags(config, fit.flags, tmp_path)
    plan = plan_run(typed, vram_bytes=gib * GIB)
    assert plan.verdict == "fits"
    assert plan.to_json() == fit.plan.to_json()


def test_estimator_is_kept():
    """Prompts, completions, loss, trained weights and the rest of the train section stay as they are."""
    config = single_card("full", train={"num_prompts": 8, "num_completions": 6})
    found = with_changes(config, fit_run(config, vram_bytes=14 * GIB).changes)
    assert found.train.num_prompts == 8
    assert found.train.num_completions == 6
    assert found.algorithm == config.algorithm
    assert found.model.tuning == config.model.tuning


def test_activations_wait_in_host_memory_only_as_a_last_resort():
    """Of settings with the same seconds the one that copies least is taken; below, it keeps the run what it is."""
    config = single_card("full", train={"micro_batch_completions": 6, "num_prompts": 1, "num_completions": 6})
    for gib in (40, 16, 9):
        assert "train.offload_activations" not in fit_run(config, vram_bytes=gib * GIB).changes
    assert fit_run(config, vram_bytes=88 * GIB // 10).changes["train.offload_activations"] is True
    assert fit_run(config, vram_bytes=8 * GIB).changes["model.tuning.method"] == "lora"


def test_one_base_and_keys_and_values_given_back_are_among_the_settings():
    """140 GiB hold two bases. 9.5 GiB hold one, where the KV cache is given back."""
    roomy = fit_run(single_card("lora"), vram_bytes=140 * GIB)
    assert "rollout.share_base" not in roomy.changes
    tight = fit_run(single_card("lora"), vram_bytes=int(9.5 * GIB))
    assert tight.fits
    assert tight.changes["rollout.share_base"] == "auto"
    assert tight.plan.workload.residency == "weights_only"


def test_faster_than_every_other_setting_that_fits():
    """Compared with each micro-batch and checkpointing by itself."""
    config = single_card("lora")
    best = fit_run(config)
    assert best.plan.step_seconds is not None
    for size in (1, 2, 6, 12):
        for checkpointing in (True, False):
            changes = {"train.micro_batch_completions": size, "train.gradient_checkpointing": checkpointing}
            other = plan_run(with_changes(config, changes))
            if other.verdict == "fits":
                assert other.step_seconds is not None
                assert best.plan.step_seconds <= other.step_seconds


def full_in_fp32() -> RunConfig:
    return single_card("full", model={"id": DISTILL, "dtype": "float32", "tuning": {"method": "full"}})


def test_optimizer_of_the_config_is_kept_where_it_fits():
    """On 40 GiB fp32 Adam fits; on 24 the states of 13.2 GiB do not, and a leaner optimizer is taken."""
    config = full_in_fp32()
    assert "optimizer.name" not in fit_run(config, vram_bytes=44 * GIB).changes
    assert fit_run(config, vram_bytes=24 * GIB).changes["optimizer.name"] == "adamw_8bit"


def test_nothing_fits():
    """1 GiB does not hold the weights in any form: what is nearest is said, and what it would take."""
    config = single_card("full")
    fit = fit_run(config, vram_bytes=GIB)
    assert not fit.fits
    assert fit.missing_bytes == fit.plan.gpus[0].upper_bytes - GIB > 0
    assert f"  nearest         {fit.missing_bytes / GIB:.1f} GiB too large with -s " in fit_text(fit)
    needed = -(-fit.plan.gpus[0].upper_bytes // GIB)
    way_out = f"The largest part there is weights, 1.5 GiB: a smaller model (model.id) or a card with {needed} GiB"
    assert way_out in fit_text(fit)
    plan = plan_run(config, vram_bytes=GIB)
    assert (plan.fixes, way_out in plan_table(plan)) == ((), True)
    assert fit_run(with_changes(config, fit.changes), vram_bytes=needed * GIB).fits


def test_what_changes_the_run_comes_last_and_is_marked(tmp_path):
    """7B QLoRA in 12 GB: two NF4 bases are 10.4 GiB; one, and fewer or shorter completions, fit."""
    config = single_card("qlora", gpu="rtx3060-12", model={"id": "Qwen/Qwen2.5-7B", "tuning": {"method": "qlora"}})
    plan, found = plan_run(config), fit_run(config)
    assert plan.verdict == "does_not_fit"
    assert plan.offers
    assert all("changes the run" in fix.line and fix.line in plan_table(plan) for fix in plan.offers)
    assert found.fits
    assert "they change the run" in fit_text(found)
    assert found.changes["rollout.engine"] == "hf"
    assert all(("slow: " in fix.line) == ("rollout.engine=hf" in fix.flags) for fix in plan.offers)
    assert plan_run(after_flags(config, plan.fixes[0], tmp_path)).verdict == "fits"


@pytest.mark.parametrize(
    "keys", [{"rollout.sleep_level": 2}, {"rollout.sleep_level": 1}, {"train.reference_device": "host"}]
)
def test_keys_of_full_parameters_follow_the_method(keys):
    """7B in 24 GB: one base of 14.2 GiB for trainer and vLLM; in 16, two NF4 bases.

    Level 2, or a reference of its own, would be refused for an adapter.
    """
    config = single_card("full", model={"id": "Qwen/Qwen2.5-7B", "tuning": {"method": "full"}})
    sizes = {"train.num_prompts", "train.num_completions", "rollout.max_completion_tokens", "rollout.engine"}
    for gib, method in ((24, "lora"), (16, "qlora")):
        found = fit_run(with_changes(config, keys), vram_bytes=gib * GIB)
        assert found.fits
        assert found.changes["model.tuning.method"] == method
        assert not found.changes.keys() & sizes


def test_a_base_that_has_to_be_shared_is_no_obstacle_to_nf4():
    model = {"id": "Qwen/Qwen2.5-7B", "tuning": {"method": "lora"}}
    rollout = {"engine": "vllm-colocate", "max_completion_tokens": 3584, "share_base": True}
    found = fit_run(single_card("lora", model=model, rollout=rollout), vram_bytes=14 * GIB)
    assert found.fits
    assert found.changes["model.tuning.method"] == "qlora"


def test_a_base_for_the_engine_is_searched_too():
    """One fix of a plan is enough for `--fit`, and faster than what leaves KV cache to one sequence."""
    model = {"id": "Qwen/Qwen2.5-3B-Instruct", "tuning": {"method": "qlora"}}
    config = single_card("qlora", gpu="rtx3060-12", model=model)
    assert any("rollout.base=nf4" in fix for fix in plan_run(config).fixes)
    assert fit_run(config).changes["rollout.base"] == "nf4"


@pytest.mark.parametrize(("rate", "is_offered"), [(1e-6, False), (4e-5, False), (5e-5, True), (1e-4, True)])
def test_a_coarse_adapter_is_offered_where_its_steps_are_not_lost(rate, is_offered):
    """bf16 drops a step below 1/512 of the weight: leanrl warns of it, and offers nothing that it warns of."""
    train = {"micro_batch_completions": 1, "tile_tokens": 1024, "offload_activations": True}
    config = single_card("qlora", train=train, optimizer={"learning_rate": rate})
    tried = [changes for axis in arithmetic_axes(config) for changes in axis.options]
    assert ({"model.tuning.adapter_dtype": "bfloat16"} in tried) == is_offered
    for changes in variants(config):
        assert not [one for one in find_warnings(with_changes(config, changes)) if "too small for most weights" in one]


def test_text_names_the_flags():
    fit = fit_run(single_card("lora"))
    assert fit.flags in fit_text(fit)
    assert "same prompts and completions" in fit_text(fit)


def test_server_topology_and_cpu():
    assert fit_run(four_card_server()).fits
    cpu = fit_run(cpu_run(), host_bytes=16 * GIB)
    assert cpu.fits
    assert cpu.plan.device == "cpu"


def test_on_a_cpu_a_reference_waits_on_disk(tmp_path):
    """In host memory it would lie beside the gradients as before; a card gets it from there."""
    model = {"model.id": DISTILL, "model.dtype": "float32", "model.tuning.method": "full"}
    config = with_changes(cpu_run(), {**model, "algorithm.kl_beta": 0.04, "train.micro_batch_completions": 1})
    places = ("gpu", "host", "disk")
    gpu, host, disk = (
        plan_run(with_changes(config, {"train.reference_device": place}), host_bytes=64 * GIB).gpus[0].upper_bytes
        for place in places
    )
    assert host == gpu
    assert gpu - disk == pytest.approx(4 * 1_777_088_000, rel=0.2)  # with the fraction that is added for what varies
    between = int((gpu + disk) / 2 / 0.8)  # of a host, of which that much is usable
    fixes = plan_run(config, host_bytes=between).fixes
    assert "-s train.reference_device=disk" in fixes
    assert plan_run(after_flags(config, fixes[0], tmp_path), host_bytes=between).verdict == "fits"
    assert fit_run(config, host_bytes=between).changes["train.reference_device"] == "disk"


def test_every_fix_makes_it_fit(tmp_path):
    """Full parameters in fp32 on 24 GiB: 16 bytes a parameter are 26.5 GiB."""
    config = full_in_fp32()
    plan = plan_run(config)
    assert plan.verdict == "does_not_fit"
    assert plan.fixes
    for fix in plan.fixes:
        assert plan_run(after_flags(config, fix, tmp_path)).verdict == "fits"


def test_fixes_are_added_up_where_one_is_not_enough(tmp_path):
    """10 GiB: neither one row of 4096 tokens alone nor checkpointing of 72 makes room."""
    config = single_card("lora", train={"micro_batch_completions": 72, "gradient_checkpointing": False})
    plan = plan_run(config, vram_bytes=10 * GIB)
    assert plan.verdict == "does_not_fit"
    assert plan.fixes[0].count("-s ") > 1
    assert plan.offers[0].changes_run is None
    assert all(fix.changes_run for fix in plan.offers[1:])
    assert plan_run(after_flags(config, plan.fixes[0], tmp_path), vram_bytes=10 * GIB).verdict == "fits"


def test_ranks_that_share_weights_are_offered_every_optimizer():
    """Three of them: each leaner one makes room on 20 GiB, and on 14 nothing else does."""
    config = four_card_server()
    fixes = " ".join(plan_run(config, vram_bytes=20 * GIB).fixes)
    assert "optimizer.name=adamw_8bit" in fixes
    assert "optimizer.name=adamw_offloaded" in fixes
    fit = fit_run(config, vram_bytes=14 * GIB)
    assert fit.fits
    assert fit.changes["optimizer.name"] == "adamw_8bit"


def test_what_training_would_refuse_is_no_change_to_offer():
    """A server on two cards is not in this version; offloaded Adam of shared weights is."""
    config = four_card_server()
    assert is_refused(config, {"rollout.num_gpus": 2})
    assert not is_refused(config, {"optimizer.name": "adamw_offloaded"})


@pytest.mark.parametrize("gib", [8, 12, 16, 22, 30])
def test_nothing_is_offered_that_training_would_refuse(tmp_path, gib):
    config = four_card_server()
    refused = not_in_this_version(config)
    plan = plan_run(config, vram_bytes=gib * GIB)
    flags = [*plan.fixes, *([found.flags] if (found := fit_run(config, vram_bytes=gib * GIB)).flags else [])]
    for offered in flags:
        changed = after_flags(config, offered, tmp_path)
        assert [problem for problem in not_in_this_version(changed) if problem not in refused] == [], offered


def test_flags_are_written_as_yaml():
    flags = as_flags({"a.b": True, "c": None, "d": "x"})
    assert flags == "-s a.b=true -s c=null -s d=x"


def test_a_token_budget_is_searched_as_a_token_budget():
    """Full rows of 4096 tokens: the budgets are multiples of it, and the number of completions stays as it is."""
    config = single_card("lora", train={"max_tokens_per_micro_batch": 48 * 4096})
    assert config.full_completions_per_micro_batch == 48
    found = fit_run(config, vram_bytes=12 * GIB)
    changed = with_changes(config, found.changes).train
    assert changed.micro_batch_completions == config.train.micro_batch_completions
    assert changed.max_tokens_per_micro_batch < 48 * 4096
    assert changed.max_tokens_per_micro_batch % 4096 == 0


@pytest.mark.parametrize("gib", [10, 12, 16, 24, 96])
def test_an_automatic_budget_is_the_largest_that_fits(gib):
    """72 completions divide into passes of 1, 2, 3, 4, 6, 8, 9, 12, ...: the next larger one does not fit any more."""
    config = single_card("lora", train={"max_tokens_per_micro_batch": "auto"})
    plan = plan_run(config, vram_bytes=gib * GIB)
    assert plan.verdict == "fits"
    chosen = with_chosen(config, plan)
    assert changed_keys(config, chosen) == {"max_tokens_per_micro_batch"}
    size, most = chosen.full_completions_per_micro_batch, config.completions_per_rank
    assert chosen.train.max_tokens_per_micro_batch == size * 4096 == plan.to_json()["micro_batch_tokens"]
    assert plan_run(chosen, vram_bytes=gib * GIB) == plan
    larger = next((number for number in range(size + 1, most + 1) if most % number == 0), None)
    assert (larger is None) == (gib == 96)
    if larger is not None:
        next_one = single_card("lora", train={"max_tokens_per_micro_batch": larger * 4096})
        assert plan_run(next_one, vram_bytes=gib * GIB).verdict != "fits"


def test_an_automatic_budget_where_nothing_fits_or_nothing_is_known_is_one_completion():
    config = single_card("lora", train={"max_tokens_per_micro_batch": "auto"})
    plan = plan_run(config, vram_bytes=4 * GIB)
    assert plan.verdict == "does_not_fit"
    for known in (plan, None):
        assert with_chosen(config, known).train.max_tokens_per_micro_batch == 4096


def test_a_search_over_all_settings_names_the_budget_that_goes_with_them():
    config = single_card("lora", train={"max_tokens_per_micro_batch": "auto"})
    assert "-s train.max_tokens_per_micro_batch=" in fit_run(config, vram_bytes=12 * GIB).flags


def changed_keys(config: RunConfig, other: RunConfig) -> set[str]:
    assert config.model_copy(update={"train": other.train}) == other
    before, after = config.train.model_dump(), other.train.model_dump()
    return {key for key in before if before[key] != after[key]}
