"""`tracking`: the key reaches TRL, a missing package is refused, and what TensorBoard writes stays."""

import pytest
from trl import GRPOConfig

from leanrl.config.checks.support import find_missing
from leanrl.trainer.trl_args import grpo_arguments
from tests.trainer.small_trainer import Notes, small_config, small_trainer


@pytest.mark.parametrize("tracking", ["wandb", "trackio", "tensorboard"])
def test_the_key_reaches_grpo_config(tiny_model, tmp_path, tracking):
    config = small_config(tiny_model, tracking=tracking)
    arguments = GRPOConfig(**grpo_arguments(config, output_dir=tmp_path))
    assert arguments.report_to == [tracking]
    assert arguments.run_name == "small"


def test_nothing_is_tracked_unless_asked(tiny_model, tmp_path):
    assert GRPOConfig(**grpo_arguments(small_config(tiny_model), output_dir=tmp_path)).report_to == []


@pytest.mark.parametrize("tracking", ["wandb", "trackio", "tensorboard"])
def test_a_missing_package_is_refused(tiny_model, monkeypatch, tracking):
    monkeypatch.setattr("leanrl.config.checks.support.find_spec", lambda name: None if name == tracking else object())
    (problem,) = find_missing(small_config(tiny_model, tracking=tracking))
    assert str(problem) == f"tracking: the package {tracking} is not installed (hint: pip install {tracking})"


def test_tensorboard_files_lie_in_the_run_and_outlive_its_checkpoints(tiny_model, tmp_path):
    """Both steps save a checkpoint, and each save clears away what lies half written beside it."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    config = small_config(tiny_model, tracking="tensorboard")
    trainer, *_ = small_trainer(config, tmp_path / "run", listener=Notes())
    trainer.train()
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("train/reward")] == [1, 2]
