"""Completions that a step draws with a trainer's rollout engine."""

from typing import Any

from leanrl.config.scheduled import scheduled
from leanrl.errors import StoppedError
from leanrl.trainer.memory.unused_memory import give_back_unused
from leanrl.trainer.rollouts.bridge import Rollout
from leanrl.trainer.rollouts.engines import sampling_of


def draw_completions(trainer: Any, beginnings_B: list[list[int]]) -> Rollout:
    """Return one completion for each beginning, drawn from the policy as it is, and record what was measured.

    Raises:
        StoppedError: if the engine is lost; what is trained is saved.
    """
    give_back_unused(trainer.accelerator.device)  # a colocated vLLM wakes in pools of its own
    config = scheduled(trainer.lean_config, trainer.state.global_step)
    sampling = sampling_of(
        config,
        max_completion_tokens=trainer.length.at(trainer.state.global_step),
        stop_token_ids=trainer.stopping.stop_ids,
    )
    try:
        with trainer.meter.phase("rollout"):
            drawn: Rollout = trainer.rollout.draw(beginnings_B, step=trainer.state.global_step, sampling=sampling)
    except StoppedError:
        trainer.save_what_is_trained()
        raise
    trainer.record(drawn.measures)
    return drawn
