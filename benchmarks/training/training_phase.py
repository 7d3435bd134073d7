"""Training phase: a trainer's step without generation and rewards, its clock, and what stands in for generation."""

import time
from collections.abc import Callable
from itertools import cycle
from typing import Any

import torch

from benchmarks.training.train_step_case import Step
from leanrl.trainer.rollouts.bridge import Rollout

SEED = 7
# Far enough from the start that a KL to it is not 0: adapters start as zeros.
_DISTANCE = {"lora": 1.0e-2, "qlora": 1.0e-2, "full": 1.0e-3}


class Clock:
    """Wall and CPU seconds of what is counted, without the parts that are left out of it."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.restart()

    def restart(self) -> None:
        self.wall_seconds = self.cpu_seconds = 0.0

    def counting(self, work: Callable[..., Any]) -> Callable[..., Any]:
        return self._timed(work, sign=1)

    def leaving_out(self, work: Callable[..., Any]) -> Callable[..., Any]:
        return self._timed(work, sign=-1)

    def _timed(self, work: Callable[..., Any], *, sign: int) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            started_wall, started_cpu = self._now()
            result = work(*args, **kwargs)
            ended_wall, ended_cpu = self._now()
            self.wall_seconds += sign * (ended_wall - started_wall)
            self.cpu_seconds += sign * (ended_cpu - started_cpu)
            return result

        return timed

    def _now(self) -> tuple[float, float]:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter(), time.process_time()


def clock_of(trainer: Any) -> Clock:
    """Return a clock of the trainer's training phase.

    It is `training_step` without generation and rewards: the scoring of the reference, and forward and backward over
    all micro-batches.
    """
    clock = Clock(trainer.accelerator.device)
    if _takes_own_steps(trainer):
        trainer.draw = clock.leaving_out(trainer.draw)
        for part in ("score", "metrics"):
            object.__setattr__(trainer.scorer, part, clock.leaving_out(getattr(trainer.scorer, part)))  # it is frozen
    else:
        for part in ("_generate", "_calculate_rewards"):
            setattr(trainer, part, clock.leaving_out(getattr(trainer, part)))
    trainer.training_step = clock.counting(trainer.training_step)
    return clock


def fix_completions(trainer: Any, step: Step) -> list[list[int]]:
    """Give the trainer the step's prompts and completions, of tokens by chance.

    Returns the completions; what is put in their place in this list is trained on from then on.
    """
    chance = torch.Generator().manual_seed(SEED)
    special = trainer.processing_class.all_special_ids  # unsloth takes padding for padding, wherever it lies
    words = torch.tensor([token for token in range(len(trainer.processing_class)) if token not in special])
    completions = [words[torch.randint(len(words), (count,), generator=chance)].tolist() for count in step.lengths]
    size = trainer.num_generations
    prompts = [[words[number // size % len(words)].item()] * step.prompt_tokens for number in range(len(step.lengths))]
    if _takes_own_steps(trainer):
        of_groups = cycle(prompts[::size])
        trainer.step.prompts.tokenize = lambda row: next(of_groups)
        trainer.draw = lambda beginnings_B: Rollout([*completions], None)
    else:
        trainer._tokenize_prompts = lambda *_: (prompts, None, {})
        trainer._generate_single_turn = lambda *_, **__: ([*completions], None)
    return completions


def _takes_own_steps(trainer: Any) -> bool:
    """Return whether a step is leanrl's; those of TRL and of unsloth are TRL's."""
    return hasattr(trainer, "step")


def move_weights(model: torch.nn.Module, *, method: str) -> None:
    """Add noise to the trained weights, the same to the same weights of every trainer."""
    chance = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                noise = torch.randn(weight.shape, generator=chance) * _DISTANCE[method]
                weight.add_(noise.to(weight.device, weight.dtype))
