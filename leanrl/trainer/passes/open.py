"""The passes of a trainer's steps, and what skips a step, put together."""

from dataclasses import replace
from functools import partial
from typing import Any

from leanrl.engine.settings import loss_settings
from leanrl.trainer.passes.empty_steps import EmptySteps
from leanrl.trainer.passes.nonfinite import NonfiniteSteps
from leanrl.trainer.passes.skipped_steps import SkippedSteps
from leanrl.trainer.passes.step_pass import StepPass


def open_pass(trainer: Any) -> StepPass:
    """Return what runs rows through a trainer's model."""
    config, algorithm = trainer.lean_config, trainer.algorithm
    settings = replace(
        loss_settings(config),
        correction=algorithm.in_engine("correction"),
        token_weights=algorithm.in_engine("token_weights"),
    )
    return StepPass(
        trainer.accelerator,
        budget=trainer.budget,
        settings=settings,
        pad_id=trainer.stopping.pad_id,
        skip_zero_advantage=config.train.skip_zero_advantage,
    )


def open_skipped(trainer: Any) -> SkippedSteps:
    """Return what counts the steps that a trainer skips."""
    config, rank = trainer.lean_config, trainer.accelerator.process_index
    return SkippedSteps(
        NonfiniteSteps(trainer.run, rank=rank, max_in_a_row=config.train.max_nonfinite_steps),
        EmptySteps(trainer.run, max_in_a_row=config.algorithm.max_empty_steps),
        reduce=partial(trainer.accelerator.reduce, reduction="sum"),
    )
