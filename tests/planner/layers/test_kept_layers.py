"""The plan of a run that keeps some layers, against the simulation of its step, and by hand."""

from dataclasses import replace

import pytest
from transformers import AutoConfig

from leanrl.config.load import load_config
from leanrl.errors import ConfigError
from leanrl.planner.automatic import automatic_by_questions, with_chosen
from leanrl.planner.layers.activations import kept_bytes
from leanrl.planner.layers.kept_layers import stretches
from leanrl.planner.models.shapes import ModelShape, shape_from_config
from leanrl.planner.phases import train_phases
from leanrl.planner.plan import plan_run
from leanrl.planner.search.fit import fit_run
from leanrl.planner.search.fixes import with_changes
from leanrl.planner.text.screen import first_screen
from leanrl.planner.workload import Workload, workload_of
from leanrl.simulate.step import simulate_step
from tests.planner.sample_runs import GIB, SMALL_STEP, single_card

NUM_LAYERS = 6
SIZES = {
    "num_hidden_layers": NUM_LAYERS, "hidden_size": 512, "intermediate_size": 2048, "num_attention_heads": 8,
    "num_key_value_heads": 2, "head_dim": 64, "vocab_size": 1024, "max_position_embeddings": 4096,
}  # fmt: skip
WINDOWS = {"layer_types": ["sliding_attention", "sliding_attention", "full_attention"] * 2, "sliding_window": 512}
STATES = {"layer_types": ["conv", "conv", "full_attention", "conv", "full_attention", "conv"], "block_ff_dim": 2048}
FULL, LORA, QLORA = ({"model.tuning.method": method} for method in ("full", "lora", "qlora"))
ONE_MICRO_BATCH = {"train.num_prompts": 1}
CASES = {
    "full": ("llama", {}, FULL),
    "full, one micro-batch": ("llama", {}, FULL | ONE_MICRO_BATCH),
    "full, one micro-batch, few words and tokens": (
        "llama",
        {"tie_word_embeddings": True},
        FULL | ONE_MICRO_BATCH | {"rollout.max_completion_tokens": 256, "train.num_completions": 2},
    ),
    "LoRA with dropout": ("qwen3", {}, LORA | {"model.tuning.dropout": 0.1}),
    "LoRA in tiles, offloaded": ("qwen2", {}, LORA | {"train.tile_tokens": 1024, "train.offload_activations": "true"}),
    "QLoRA in tiles": ("llama", {}, QLORA | {"train.tile_tokens": 1024}),
    "windows, padded": ("gemma3_text", WINDOWS, LORA | {"train.pack_rows": "never"}),
    "states in place of attention": ("lfm2", STATES, LORA),
    "states, full, one micro-batch": ("lfm2", STATES, FULL | ONE_MICRO_BATCH),
    "two ranks that share weights": ("llama", {}, FULL | {"hardware.num_gpus": 2}),
}


def asked(values):
    return load_config("plain", [f"{key}={value}" for key, value in (SMALL_STEP | values).items()]).config


@pytest.mark.parametrize("kept", [1, 3, 5])
@pytest.mark.parametrize("name", CASES)
def test_the_peak_is_that_of_the_simulation(name, kept):
    """No more than 2 % low, which may end a run, and no more than 2.5 % high."""
    family, sizes, values = CASES[name]
    model_config = AutoConfig.for_model(family, **SIZES | sizes)
    config, shape = asked(values | {"train.kept_layers": kept}), shape_from_config(model_config.to_dict())
    phases = train_phases(shape, workload_of(config, shape), kv_bytes=0)
    planned = next(phase.bytes for phase in phases if phase.name == "forward_backward")
    simulated = next(
        phase.bytes for phase in simulate_step(config, model_config).phases if phase.name == "forward_backward"
    )
    assert 0.98 * simulated <= planned <= 1.025 * simulated


def test_the_stretches_of_a_pattern():
    """Of a w a s w s the last three are s w s: one window, two states, and no layer behind the last state."""
    shape = ModelShape("lfm2", 6, 64, 128, 2, 1, 32, 100, tied=True, pattern="awasws", num_sliding_layers=2,
                       num_stateful_layers=2, mixing_widths=(3,), layers_behind=(1, 0), sliding_window=8)  # fmt: skip
    kept, others = stretches(shape, Workload(kept_layers=3))
    assert (kept.shape.num_layers, kept.shape.num_sliding_layers, kept.shape.num_stateful_layers) == (3, 1, 2)
    assert kept.shape.layers_behind == (1, 0)
    assert (others.shape.num_layers, others.shape.num_sliding_layers, others.shape.num_stateful_layers) == (3, 1, 0)
    assert others.shape.mixer is None
    assert (kept.num_above, others.num_above) == (0, 3)
    assert (kept.workload.activations, others.workload.activations) == ("kept", "checkpointed")


def test_layers_of_an_unknown_order_are_a_fair_share():
    shape = ModelShape("llama", 10, 64, 128, 2, 1, 32, 100, tied=True, num_sliding_layers=5, sliding_window=8)
    kept, others = stretches(shape, Workload(kept_layers=3))
    assert (kept.shape.num_sliding_layers, others.shape.num_sliding_layers) == (2, 4)


def test_what_is_kept_by_hand():
    """bf16, whole: 3 inputs of 2h bytes and 2 layers of 8I + 20h + 4kv + 4nh + 8 a token."""
    shape = ModelShape("llama", 5, 64, 128, 2, 1, 32, 100, tied=True, pattern="aaaaa")
    kept, others = stretches(shape, replace(Workload(), kept_layers=2))
    tokens = Workload().micro_batch_tokens
    assert kept.below_bytes == others.kept_bytes == 3 * 2 * 64 * tokens
    assert kept.kept_bytes == 2 * (8 * 128 + 20 * 64 + 4 * 32 + 4 * 2 + 8) * tokens


def test_kept_layers_run_whole():
    """In tiles of 1,024 tokens: all layers kept take what they take without tiles and without checkpointing."""
    shape = ModelShape("llama", 5, 64, 128, 2, 1, 32, 100, tied=True, pattern="aaaaa")
    (every,) = stretches(shape, workload_of(asked({"train.kept_layers": 5, "train.tile_tokens": 1024}), shape))
    none = workload_of(asked({"train.gradient_checkpointing": "false"}), shape)
    assert every.kept_bytes == kept_bytes(shape, none)


def test_more_layers_than_there_are_cannot_be_planned():
    shape = ModelShape("llama", 5, 64, 128, 2, 1, 32, 100, tied=True, pattern="aaaaa")
    with pytest.raises(ConfigError, match="6 are more than the 5 decoder layers") as caught:
        workload_of(asked({"train.kept_layers": 6}), shape)
    assert "`-s train.kept_layers=5`" in str(caught.value)


@pytest.mark.parametrize(("kept", "share"), [(0, 1.0), (7, 0.75), (28, 0.0)])
def test_a_kept_layer_saves_a_forward_pass(kept, share):
    """Seconds of gradients grow by a straight line from no recomputed layer to all of them."""
    none, some, every = (_gradient_seconds(number) for number in (28, kept, 0))
    assert some == pytest.approx(none + share * (every - none))
    assert 0.15 < 1 - none / every < 0.33  # a third, less what head, attention and launches take


def _gradient_seconds(kept):
    values = {
        "train": {"kept_layers": kept, "micro_batch_completions": 1},
        "hardware": {"gpu": "a100-80gb", "num_gpus": 1},
    }
    plan = plan_run(single_card("lora", **values))
    return plan.step_time.gradients


@pytest.mark.parametrize("gib", [10, 14, 18, 24, 80])
def test_auto_keeps_as_many_layers_as_fit(gib):
    config = single_card("lora", train={"gradient_checkpointing": "auto", "micro_batch_completions": 3})
    plan = plan_run(config, vram_bytes=gib * GIB)
    chosen = with_chosen(config, plan)
    kept = chosen.train.kept_layers
    assert chosen.train.gradient_checkpointing is True
    assert plan.num_kept_layers == plan.to_json()["kept_layers"] == kept
    assert plan_run(chosen, vram_bytes=gib * GIB) == plan
    assert (kept == 28) == (gib == 80)
    if kept < 28:
        one_more = with_changes(chosen, {"train.kept_layers": kept + 1})
        assert plan_run(one_more, vram_bytes=gib * GIB).verdict != "fits"
    line = next(line for line in first_screen(plan) if "auto takes" in line)
    assert line.split() == ["auto", "takes", f"train.kept_layers={kept}", "(of", "28", "layers)"]


def test_auto_sets_budget_and_layers_together():
    """On a card with a known speed: faster than the largest budget alone, and than all layers of the smallest."""
    sizes = {"max_tokens_per_micro_batch": "auto"}
    config = single_card("lora", gpu="a40", train={**sizes, "gradient_checkpointing": "auto"})
    plan, largest = plan_run(config), plan_run(single_card("lora", gpu="a40", train=sizes))
    assert plan.verdict == "fits"
    assert plan.step_seconds < largest.step_seconds
    assert set(plan.chosen) == {
        "train.max_tokens_per_micro_batch", "train.gradient_checkpointing", "train.kept_layers"
    }  # fmt: skip


def test_auto_without_a_plan_keeps_none():
    config = single_card("lora", train={"gradient_checkpointing": "auto"})
    assert with_chosen(config, None).train.kept_layers == 0
    assert with_chosen(config, None).train.gradient_checkpointing is True


@pytest.mark.parametrize("limit", [-1, 0, 4, 9, 10, 14])
def test_a_simulated_model_takes_few_questions(limit):
    """One layer takes a GiB: as many as the limit has room for are found with at most three simulations."""
    config, asked_for = single_card("lora", train={"gradient_checkpointing": "auto"}), []

    def missing(changed):
        asked_for.append(changed.train.kept_layers)
        return (changed.train.kept_layers - limit) * GIB

    changes = automatic_by_questions(config, num_layers=10, missing=missing)
    assert changes == {"train.gradient_checkpointing": True, "train.kept_layers": min(10, max(0, limit))}
    assert len(asked_for) <= 3


@pytest.mark.parametrize("gib", [16, 20, 23])
def test_the_fastest_settings_keep_layers(gib):
    """The number is in the flags, one more does not fit, and the same run without kept layers is slower."""
    config = single_card("lora", gpu="rtx4090")
    found = fit_run(config, vram_bytes=gib * GIB)
    kept = found.changes["train.kept_layers"]
    assert found.fits
    assert found.plan.num_kept_layers == kept > 0
    changed = with_changes(config, found.changes)
    without = plan_run(with_changes(changed, {"train.kept_layers": 0}), vram_bytes=gib * GIB)
    assert found.plan.step_seconds < without.step_seconds
    if kept < 28:
        more = plan_run(with_changes(changed, {"train.kept_layers": kept + 1}), vram_bytes=gib * GIB)
        assert more.verdict != "fits"


def test_a_run_that_asks_for_auto_keeps_it():
    config = single_card("lora", train={"gradient_checkpointing": "auto"})
    found = fit_run(config, vram_bytes=16 * GIB)
    assert "train.kept_layers" not in found.changes
    assert found.plan.chosen["train.kept_layers"] == found.plan.num_kept_layers > 0


def test_too_many_kept_layers_have_a_fix_that_keeps_none():
    config = single_card("lora", train={"kept_layers": 28, "micro_batch_completions": 6})
    plan = plan_run(config, vram_bytes=12 * GIB)
    assert plan.verdict != "fits"
    assert any("-s train.kept_layers=0" in fix for fix in plan.fixes)
