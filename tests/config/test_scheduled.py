"""Values of schedules by step, and schedules that cannot be followed."""

import pytest

from leanrl.config.load import load_config
from leanrl.config.scheduled import length_stages, resets_reference, scheduled, scheduled_values
from leanrl.config.sections.schedules import Schedule
from leanrl.errors import ConfigError


@pytest.mark.parametrize(
    ("between", "values"),
    [
        ("stages", [1.0, 1.0, 1.0, 0.5, 0.5]),
        ("linear", [1.0, 0.875, 0.75, 0.5, 0.5]),
        ("cosine", [1.0, 1.0 - 0.5 * 0.14644660940672624, 0.75, 0.5, 0.5]),
    ],
)
def test_values_by_step(between, values):
    """From 1 at step 0 to 0.5 at step 8; half a cosine wave has done 14.6 % of its way after a quarter."""
    schedule = Schedule(steps=[0, 8], values=[1.0, 0.5], between=between)
    assert [schedule.at(step) for step in (0, 2, 4, 8, 100)] == pytest.approx(values)


def test_a_value_holds_for_a_whole_rollout():
    flags = ["schedules.temperature.steps=[0, 3]", "schedules.temperature.values=[1.0, 0.7]"]
    config = load_config(
        "cpu-demo", [*flags, "algorithm.num_iterations=2", "algorithm.logprob_temperature=null"]
    ).config
    assert [scheduled(config, step).rollout.temperature for step in range(6)] == [1.0, 1.0, 1.0, 1.0, 0.7, 0.7]
    assert scheduled(config, 4).logprob_temperature == 0.7


def test_stages_of_the_limit_are_whole_tokens():
    flags = ["schedules.max_completion_tokens.steps=[0, 50]", "schedules.max_completion_tokens.values=[8, 14]"]
    config = load_config("cpu-demo", flags).config
    assert scheduled_values(config, 49) == {"max_completion_tokens": 8}
    assert type(scheduled(config, 50).rollout.max_completion_tokens) is int


def test_without_a_schedule_the_config_is_the_same_object():
    config = load_config("cpu-demo", []).config
    assert scheduled(config, 3) is config


@pytest.mark.parametrize(
    ("flags", "says", "hint"),
    [
        (["temperature.values=[1.0]"], "0 steps have 1 values", "schedules.temperature.values"),
        (["temperature.steps=[0, 5]", "temperature.values=[1.0]"], "2 steps have 1 values", "values"),
        (["temperature.steps=[2, 5]", "temperature.values=[1.0, 0.9]"], "[2, 5] does not rise from 0", "[0, 2, 5]"),
        (["temperature.steps=[0, 5, 5]", "temperature.values=[1, 1, 1]"], "does not rise from 0", "[0, 5]"),
        (["temperature.steps=[0, 5]", "temperature.values=[1.0, -3]"], "-3 has to be greater than 0", "rollout.temp"),
        (
            ["clip_low.steps=[0]", "clip_low.values=[1.5]"],
            "1.5 has to be less than or equal to 1",
            "algorithm.clip_low",
        ),
        (
            ["max_completion_tokens.steps=[0]", "max_completion_tokens.values=[7.5]"],
            "7.5 has to be a valid integer",
            "rollout.max_completion_tokens",
        ),
        (
            ["max_completion_tokens.steps=[0]", "max_completion_tokens.values=[4096]"],
            "4096 tokens are more than the 14 that memory is planned for",
            "-s rollout.max_completion_tokens=4096",
        ),
        (
            [
                "max_completion_tokens.steps=[0, 9]",
                "max_completion_tokens.values=[7, 14]",
                "max_completion_tokens.between=linear",
            ],
            "a limit of tokens moves in stages",
            "between=stages",
        ),
        (["kl_beta.steps=[0]", "kl_beta.values=[0.04]"], "would need 0.04", "-s algorithm.kl_beta=0.04"),
        (["entropy_coef.steps=[0]", "entropy_coef.values=[0.01]"], "would need 0.01", "-s algorithm.entropy_coef=0.01"),
        (["reset_reference_every_steps=5"], "has no reference policy", "-s algorithm.kl_beta=0.001"),
        (["automatic_length.from_tokens=20"], "more than the 14", "-s rollout.max_completion_tokens=20"),
        (
            ["automatic_length.from_tokens=8", "max_completion_tokens.steps=[0]", "max_completion_tokens.values=[7]"],
            "cannot follow stages and grow by itself",
            "-s schedules.automatic_length.from_tokens=null",
        ),
    ],
)
def test_a_schedule_that_cannot_be_followed(flags, says, hint):
    with pytest.raises(ConfigError) as refused:
        load_config("cpu-demo", [f"schedules.{flag}" for flag in flags])
    (problem,) = refused.value.problems
    assert says in problem.what
    assert hint in problem.hint


def test_a_reset_within_a_rollout_or_of_a_shared_reference_is_refused():
    """5 steps end in the middle of a rollout that serves 2; FSDP2 has a part of the reference on each rank."""
    reset = ["schedules.reset_reference_every_steps=5", "algorithm.kl_beta=0.04"]
    with pytest.raises(ConfigError) as refused:
        load_config("cpu-demo", [*reset, "algorithm.num_iterations=2"])
    assert "-s schedules.reset_reference_every_steps=6" in str(refused.value)
    with pytest.raises(ConfigError, match="no checkpoint has those"):
        load_config("a40x4-full-exp2", reset)


def test_a_reset_comes_before_each_so_many_steps_but_not_before_the_first():
    flags = ["schedules.reset_reference_every_steps=2", "algorithm.kl_beta=0.04"]
    config = load_config("cpu-demo", flags).config
    assert [resets_reference(config, step) for step in range(5)] == [False, False, True, False, True]
    assert not any(resets_reference(load_config("cpu-demo", []).config, step) for step in range(5))


def test_stages_begin_with_a_rollout():
    flags = ["schedules.max_completion_tokens.steps=[0, 5]", "schedules.max_completion_tokens.values=[8, 14]"]
    config = load_config("cpu-demo", [*flags, "algorithm.num_iterations=2"]).config
    assert length_stages(config) == ((0, 8), (6, 14))
    assert [scheduled_values(config, step)["max_completion_tokens"] for step in (4, 5, 6)] == [8, 8, 14]


def test_a_plug_in_and_a_schedule_do_not_move_the_loss_together():
    flags = ["schedules.clip_high.steps=[0]", "schedules.clip_high.values=[0.3]"]
    controller = "algorithm.after_step={name: entropy_control, target: 1.0}"
    with pytest.raises(ConfigError, match=r"algorithm\.after_step, schedules\.clip_high"):
        load_config("cpu-demo", [*flags, controller])
