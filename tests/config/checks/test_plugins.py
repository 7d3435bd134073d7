"""Plug-ins of a step that contradict other keys: what is said, and that the advice given works."""

import re

import pytest

from leanrl.config.load import load_config
from leanrl.errors import ConfigError
from leanrl.seams.registry import choice_problems
from tests.config.written import LEAST as WITHOUT_HAPO
from tests.config.written import write_preset

LEAST = WITHOUT_HAPO.replace("accuracy: 1.0", "accuracy: 1.0, hapo: 0.5")
PODS = ("algorithm.keep_rows.name=pods", "algorithm.keep_rows.rows=4")
UNSLOTH = "single-gpu-lora-unsloth"

# overrides, the keys that are named, a part of what is said
CASES = [
    (["algorithm.keep_rows.rows=4"], "algorithm.keep_rows", "has rows and no name, so no plug-in takes it"),
    (
        ["algorithm.after_step.target=1", "algorithm.after_step.x=1"],
        "algorithm.after_step",
        "has target, x and no name",
    ),
    (["algorithm.refill.name=until_full"], "algorithm.refill, algorithm.keep_rows", "there is nothing to refill"),
    (
        ["algorithm.keep_rows.name=pods", "algorithm.keep_rows.rows=7"],
        "algorithm.keep_rows.rows, train.num_completions",
        "7 rows are to be kept of the 6 completions of a prompt",
    ),
    (
        ["algorithm.keep_rows.name=pods", "algorithm.keep_rows.rows=0"],
        "algorithm.keep_rows.rows, train.num_completions",
        "0 leaves no row",
    ),
    (
        ["algorithm.keep_rows.name=of_my_own", "algorithm.keep_rows.rows=-1"],
        "algorithm.keep_rows.rows, train.num_completions",
        "-1 leaves no row",
    ),
    (
        ["algorithm.advantage.name=max_rl"],
        "algorithm.advantage.name, rewards.hapo",
        "max_rl divides by the mean reward, which hapo can make 0 or negative",
    ),
]


def problems_of(preset, overrides):
    with pytest.raises(ConfigError) as caught:
        load_config(preset, overrides)
    assert caught.value.exit_code == 2
    return caught.value.problems


@pytest.mark.parametrize(("overrides", "where", "what"), CASES)
def test_a_contradiction_names_its_keys(tmp_path, overrides, where, what):
    (problem,) = problems_of(write_preset(tmp_path, LEAST), overrides)
    assert problem.where == where
    assert what in problem.what


@pytest.mark.parametrize(("overrides", "where", "what"), [case for case in CASES if "no name" not in case[2]])
def test_every_flag_of_a_hint_is_a_way_out(tmp_path, overrides, where, what):
    file = write_preset(tmp_path, LEAST)
    (problem,) = problems_of(file, overrides)
    flags = re.findall(r"-s ([\w.]+=[\w.]+)", problem.hint)
    assert flags
    for flag in flags:
        load_config(file, [*overrides, flag])


def test_all_of_them_are_said_at_once_with_other_problems(tmp_path):
    overrides = [override for case in CASES[:4] for override in case[0]] + ["train.max_step=3", "train.seed=-1"]
    keys = [problem.where for problem in problems_of(write_preset(tmp_path, LEAST), overrides)]
    assert keys == [
        *("train.seed", "train.max_step"),
        *("algorithm.after_step", "algorithm.keep_rows.rows, train.num_completions"),
    ]


@pytest.mark.parametrize(
    "seam", ["choose_prompts", "plan_rollouts", "keep_rows", "refill", "credit_tokens", "token_weights", "after_step"]
)
def test_the_loop_of_unsloth_refuses_each_seam_that_it_does_not_call(seam):
    beside = PODS if seam == "refill" else ()
    problems = problems_of(UNSLOTH, [f"algorithm.{seam}.name=mine", *beside])
    (problem,) = [one for one in problems if one.where == f"backend, algorithm.{seam}"]
    assert "would never call mine" in problem.what
    load_config(UNSLOTH, [f"algorithm.{seam}.name=mine", f"algorithm.{seam}=null"])


def test_an_advantage_works_with_the_loop_of_unsloth():
    config = load_config(UNSLOTH, ["algorithm.advantage.name=max_rl"]).config
    assert choice_problems(config) == []


def test_rows_may_be_as_many_as_are_drawn_and_a_plan_of_rollouts_may_draw_more(tmp_path):
    file = write_preset(tmp_path, LEAST)
    load_config(file, ["algorithm.keep_rows.name=pods", "algorithm.keep_rows.rows=6"])
    load_config(
        file, ["algorithm.keep_rows.name=pods", "algorithm.keep_rows.rows=60", "algorithm.plan_rollouts.name=mine"]
    )
