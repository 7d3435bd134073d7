"""The largest models of a card: that they fit, that no larger one does, and what is said where none can."""

import re
from dataclasses import replace

import pytest

from leanrl.config.checks.check import find_warnings
from leanrl.config.load import load_config
from leanrl.errors import ConfigError
from leanrl.planner.machine.card_names import find_card
from leanrl.planner.machine.target import find_target
from leanrl.planner.memory.rollout_engine import least_kv_bytes
from leanrl.planner.models.known_models import KNOWN_MODELS, SIZED_MODELS, find_sized_model
from leanrl.planner.plan import plan_run
from leanrl.planner.predict import predict
from leanrl.planner.search.fit import search_of
from leanrl.planner.search.fixes import new_refusals, with_changes
from leanrl.planner.search.largest import COMMON_CARDS, METHODS, find_largest, find_rows
from leanrl.planner.search.search_space import method_variants
from leanrl.planner.text.largest_table import card_table, cards_table, runs_markdown
from tests.planner.sample_runs import GIB, cpu_run

LONGER = 512


def preset(method):
    return load_config(f"single-gpu-{method}").config


@pytest.fixture(scope="module")
def ten():
    configs = {method: preset(method) for method in METHODS}
    return {name: find_rows(configs, card=find_card(name)) for name in COMMON_CARDS}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", COMMON_CARDS)
def test_a_row_is_a_plan_that_fits_with_room_for_eight_completions(ten, name, method):
    """The plan of `plan_run`, at no less than the preset's lengths and of the same method."""
    config, found = preset(method), ten[name][METHODS.index(method)].found
    changed = with_changes(config, found.changes)
    plan = plan_run(changed, card=find_card(name))
    assert (plan.verdict, plan.gpus) == ("fits", found.plan.gpus)
    assert (changed.model.id, changed.model.tuning.method) == (found.model_id, method)
    assert changed.rollout.max_completion_tokens == found.completion_tokens >= config.rollout.max_completion_tokens
    assert changed.train.num_prompts * changed.train.num_completions == plan.workload.completions_per_engine
    assert plan.kv_cache_bytes >= 8 * least_kv_bytes(plan.shape, plan.workload)
    assert not new_refusals(config, found.changes)
    assert find_warnings(changed) == find_warnings(config)


@pytest.mark.parametrize("method", METHODS)
def test_a_larger_card_trains_no_less(ten, method):
    """In the order of their memory: more parameters, or as many and completions as long."""
    cards = sorted(ten, key=lambda name: find_card(name).usable_bytes)
    found = [ten[name][METHODS.index(method)].found for name in cards]
    sizes = [(one.plan.shape.num_params, one.completion_tokens) for one in found]
    assert sizes == sorted(sizes)


def some_settings_fit(config, model_id, completion_tokens, *, card):
    """Whether any combination of all settings fits, asked of every plan there is."""
    sizes = {"model.id": model_id, "rollout.max_completion_tokens": completion_tokens, "rollout.max_model_tokens": None}
    sized = with_changes(with_changes(config, sizes), {"train.max_tokens_per_micro_batch": None})
    shape, target = KNOWN_MODELS[model_id], find_target(sized, card=card)
    search = search_of(sized, shape, target)
    for variant in method_variants(sized):
        for settings in search.all_settings(variant):
            plan = predict(with_changes(sized, settings), shape, target)
            if plan.verdict == "fits" and plan.kv_cache_bytes >= 8 * least_kv_bytes(shape, plan.workload):
                return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_no_settings_make_longer_completions_or_a_larger_model_fit(method):
    """A card of 12 GB: 512 tokens more do not fit, and the preset's do not for the next larger shape."""
    config, card = with_changes(preset(method), {"train.num_prompts": 4, "train.num_completions": 2}), find_card("4070")
    found = find_largest(config, card=card)
    assert some_settings_fit(config, found.model_id, found.completion_tokens, card=card)
    assert not some_settings_fit(config, found.model_id, found.completion_tokens + LONGER, card=card)
    larger = min(
        (model for model in SIZED_MODELS if model.shape.num_params > found.plan.shape.num_params),
        key=lambda model: model.shape.num_params,
    )
    assert not some_settings_fit(config, larger.model_id, config.rollout.max_completion_tokens, card=card)


def test_completions_end_with_the_model_and_it_is_said():
    """Qwen2.5-Math-1.5B takes 4,096 tokens: 3,584 after the prompt, on a card with room for far more."""
    math = find_sized_model("Qwen/Qwen2.5-Math-1.5B")
    rows = find_rows({"lora": preset("lora")}, models=[math], card=find_card("a100 80gb"))
    assert (rows[0].found.completion_tokens, rows[0].found.ends_context) == (3584, True)
    text = card_table(rows, {"lora": "leanrl plan"}, card=find_card("a100-80"))
    assert "3,584*" in text
    assert "*: the model takes no longer rows." in text
    assert "3,584*" in cards_table({"a100-80": rows})


def test_a_model_that_takes_no_such_rows_is_not_chosen():
    small = [replace(model, context_tokens=4095) for model in SIZED_MODELS]
    rows = find_rows({"lora": preset("lora")}, models=small, card=find_card("h200"))
    assert rows[0].why_not == "none takes rows of 4,096 tokens: shorten rollout.max_completion_tokens"


def test_a_card_without_bf16_has_rows_in_float32_and_says_what_would_be_needed():
    """NF4 computes in bf16; the other rows fit with their flags."""
    configs, card = {method: preset(method) for method in METHODS}, find_card("t4")
    rows = find_rows(configs, card=card)
    assert rows[2].found is None
    assert "bf16" in rows[2].why_not
    for row in rows[:2]:
        changed = with_changes(configs[row.method], row.found.changes)
        assert (changed.model.dtype, changed.model.compute_dtype) == ("float32", "float32")
        assert plan_run(changed, card=card).verdict == "fits"
    text = card_table(rows, dict.fromkeys(METHODS, "leanrl plan"), card=card)
    assert "has no bf16: these runs compute in float32" in text
    assert "With bf16 and as much memory: rtx" in text
    assert "-s model.compute_dtype=float32" in text


def test_a_card_too_small_for_any():
    """What the smallest model needs is enough, and 0.1 GiB less is not."""
    config = preset("lora")
    rows = find_rows({method: preset(method) for method in METHODS}, vram_bytes=GIB)
    assert [row.found for row in rows] == [None] * 3
    text = card_table(rows, {}, card=None)
    needed = re.search(r"LoRA +none fits: HuggingFaceTB/SmolLM2-135M needs cards with (\d\.\d) GiB", text)
    usable_bytes = int(float(needed[1]) * GIB)
    assert find_largest(config, vram_bytes=usable_bytes + 1) is not None
    assert find_largest(config, vram_bytes=usable_bytes - GIB // 10) is None
    assert runs_markdown([("small", rows[0])]).splitlines()[-1] == "| small | full | - | - | - | - | - | - |"


def test_one_preset_for_all_methods():
    """From full parameters to adapters, as the search changes a method, and back."""
    for start in METHODS:
        rows = find_rows(dict.fromkeys(METHODS, preset(start)), card=find_card("l40s"))
        for row in rows:
            changed = with_changes(preset(start), row.found.changes)
            assert changed.model.tuning.method == row.method
            assert plan_run(changed, card=find_card("l40s")).verdict == "fits"


def test_keys_that_refuse_a_method_are_named():
    config = with_changes(preset("lora"), {"model.dtype": "float32", "rollout.share_base": True})
    rows = find_rows({"full": config}, card=find_card("l40s"))
    assert rows[0].found is None
    assert "rollout.share_base" in rows[0].why_not


def test_several_cards_have_prompts_for_every_rank():
    """12 prompts over 8 ranks: 16."""
    rows = find_rows({"full": preset("full")}, num_gpus=8, card=find_card("h100"))
    changed = with_changes(preset("full"), rows[0].found.changes)
    assert (changed.hardware.num_gpus, changed.train.num_prompts) == (8, 16)
    plan = plan_run(changed, card=find_card("h100"))
    assert (plan.verdict, len(plan.gpus)) == ("fits", 8)
    assert rows[0].found.plan.shape.num_params >= KNOWN_MODELS["Qwen/Qwen2.5-14B"].num_params


def test_the_memory_of_this_machine_counts_where_it_is_known():
    """Adam's states of a 4B model take 45 GiB of host memory."""
    free, held = (find_largest(preset("full"), card=find_card("4090"), host_bytes=size) for size in (None, 8 * GIB))
    assert free.plan.host.bytes > 45 * GIB
    assert held.plan.host.bytes <= 0.8 * 8 * GIB
    assert held.plan.shape.num_params < free.plan.shape.num_params


def test_a_cpu_has_no_card():
    with pytest.raises(ConfigError, match="trains on a CPU, and --largest is for cards"):
        find_rows({"lora": cpu_run()})
