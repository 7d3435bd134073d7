"""Completions drawn and completions trained as two numbers: 16 of a prompt are drawn, 4 are trained."""

import json
from dataclasses import replace

import pytest

from leanrl.config.load import load_config
from leanrl.planner.plan import plan_run
from leanrl.planner.search.search_space import micro_batch_sizes, size_axes

PRESET = "single-gpu-lora"
DRAWN = "train.num_completions=16"
PODS = ("algorithm.keep_rows.name=pods", "algorithm.keep_rows.rows=4")


def config_of(*overrides):
    return load_config(PRESET, overrides).config


@pytest.fixture(scope="module")
def plans():
    return {
        "all of 16": plan_run(config_of(DRAWN)),
        "4 of 16": plan_run(config_of(DRAWN, *PODS)),
        "all of 4": plan_run(config_of("train.num_completions=4")),
    }


def test_a_config_knows_both_numbers():
    config = config_of(DRAWN, *PODS)
    assert (config.completions_per_step, config.completions_per_rank) == (128, 128)  # 8 prompts of 16
    assert (config.rows_per_group, config.rows_per_step, config.rows_per_rank) == (4, 32, 32)
    assert config_of(DRAWN, *PODS, "train.micro_batch_completions=16").micro_batches_per_step == 2
    on_two = config_of(DRAWN, *PODS, "hardware.num_gpus=2", "train.updates_per_rollout=2")
    assert (on_two.completions_per_step, on_two.rows_per_step, on_two.rows_per_rank) == (64, 16, 8)


def test_a_micro_batch_is_no_larger_than_the_rows_that_are_trained():
    config = config_of(DRAWN, *PODS, "train.micro_batch_completions=100")
    assert config.full_completions_per_micro_batch == 32
    assert config.micro_batches_per_step == 1
    assert max(micro_batch_sizes(config)) == 32


def test_generation_is_that_of_16_and_training_that_of_4(plans):
    drawn, kept, few = (plans[name].step_time for name in ("all of 16", "4 of 16", "all of 4"))
    assert kept.generation == drawn.generation
    assert kept.gradients == few.gradients
    assert kept.reference == few.reference
    assert drawn.gradients / kept.gradients == pytest.approx(4)
    assert drawn.reference / kept.reference == pytest.approx(4)
    assert kept.generation > few.generation


def test_the_kv_cache_is_that_of_16_and_the_bytes_of_a_micro_batch_are_the_same(plans):
    drawn, kept, few = plans["all of 16"], plans["4 of 16"], plans["all of 4"]
    assert kept.kv_cache_bytes == drawn.kv_cache_bytes == 4 * few.kv_cache_bytes
    assert [gpu.upper_bytes for gpu in kept.gpus] == [gpu.upper_bytes for gpu in drawn.gpus]


def test_rows_beyond_the_group_plan_the_whole_group():
    """A plug-in of a user's own may say more than there are; leanrl's own are refused then."""
    whole = config_of(DRAWN)
    algorithm = whole.algorithm.model_copy(update={"keep_rows": {"name": "mine", "rows": 99}})
    assert whole.model_copy(update={"algorithm": algorithm}).rows_per_step == whole.completions_per_step


def test_keeping_every_row_changes_no_plan(plans):
    """The number of rows is in the config alone: the same bytes and seconds as without a plug-in."""
    everything = plan_run(config_of(DRAWN, "algorithm.keep_rows.name=pods", "algorithm.keep_rows.rows=16"))
    assert json.dumps(everything.to_json()) == json.dumps(plans["all of 16"].to_json())
    assert replace(everything.workload, kept_per_rank=None) == plans["all of 16"].workload


def test_a_search_for_less_memory_draws_no_fewer_than_are_trained():
    sizes = [changes["train.num_completions"] for changes in size_axes(config_of(DRAWN, *PODS))[1][1:]]
    assert sizes == [8, 4]


@pytest.mark.parametrize("num_prompts", [1, 3, 16, 36, 10**12])
def test_micro_batch_sizes_are_all_divisors(num_prompts):
    """A number of prompts with zeros too many is answered as fast as any."""
    config = load_config("cpu-demo", [f"train.num_prompts={num_prompts}"]).config
    sizes, rows = micro_batch_sizes(config), config.rows_per_rank
    assert sizes == sorted(set(sizes))
    assert {rows // size for size in sizes} == set(sizes)
    small = range(1, min(rows, 300) + 1)
    assert [size for size in sizes if size in small] == [size for size in small if rows % size == 0]
