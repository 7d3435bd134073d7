"""Warnings of a first step that cannot teach anything."""

import pytest

from leanrl.trainer.records.health import first_step_warnings
from tests.trainer.small_trainer import Notes, small_config, small_trainer


def said(truncated_share, zero_std_share, **rewards):
    metrics = {
        "truncated_share": truncated_share,
        "zero_std_share": zero_std_share,
        "rewards": rewards or {"accuracy": 0.0, "one_box": 0.5},
    }
    return first_step_warnings(metrics, max_completion_tokens=512)


def test_a_step_that_teaches_something_is_not_warned_of():
    assert said(0.99, 0.99) == []


def test_every_completion_cut_names_the_key_and_twice_the_room():
    (warning,) = said(1.0, 0.0)
    assert "cut at 512 tokens" in warning
    assert "-s rollout.max_completion_tokens=1024" in warning


def test_equal_rewards_name_their_means_and_the_keys():
    (warning,) = said(0.0, 1.0)
    assert "gradient is zero (means: accuracy 0.00, one_box 0.50)" in warning
    assert "-s rollout.temperature" in warning
    assert "-s train.num_completions" in warning


def test_both_failures_are_told():
    cut, equal = said(1.0, 1.0)
    assert "-s rollout.max_completion_tokens=1024" in cut
    assert "Cut completions are the likely cause" in equal
    assert "easier problems" not in equal


@pytest.mark.parametrize("truncated_share", [0.5, 0.88])
def test_equal_rewards_of_cut_completions_name_the_room_and_no_easier_problems(truncated_share):
    (warning,) = said(truncated_share, 1.0)
    assert f"{truncated_share:.0%} of its completions were cut at 512 tokens" in warning
    assert "-s rollout.max_completion_tokens=1024" in warning
    assert "easier problems" not in warning


def test_a_run_warns_of_its_first_step_alone_and_remembers(tiny_model, tmp_path):
    """So cold that every completion of a prompt is the same, in both steps."""
    notes = Notes()
    config = small_config(tiny_model, rollout={"temperature": 1.0e-3})
    trainer, recorder, _ = small_trainer(config, tmp_path / "run", listener=notes)
    trainer.train()
    assert [metrics["zero_std_share"] for metrics in notes.steps] == [1.0, 1.0]
    (warning,) = [warning for warning in notes.warned if "gradient is zero" in warning]
    assert warning in recorder.warnings


def test_a_run_that_goes_on_has_no_first_step(tiny_model, tmp_path):
    config = small_config(tiny_model, rollout={"temperature": 1.0e-3})
    first, *_ = small_trainer(config, tmp_path / "run", listener=Notes())
    first.train()
    notes = Notes()
    again, *_ = small_trainer(config, first.run, listener=notes)
    again.train_from(first.run.checkpoint(1))
    assert [metrics["zero_std_share"] for metrics in notes.steps] == [1.0]
    assert not [warning for warning in notes.warned if "first step" in warning]


def test_a_reward_that_scored_no_completion_has_no_mean():
    (warning,) = said(0.0, 1.0, accuracy=0.25, of_some=None)
    assert "accuracy 0.25, of_some scored none" in warning
