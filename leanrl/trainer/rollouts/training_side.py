"""TrainingSide: what a rollout engine is opened for."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from peft import PeftModel
from transformers import PreTrainedModel

from leanrl.planner.prediction import Plan
from leanrl.prompting.stopping import Stopping
from leanrl.rollout.selftest import Scorer
from leanrl.storage.run_folder import RunFolder
from leanrl.trainer.memory.phase_meter import PhaseMeter


@dataclass(frozen=True)
class TrainingSide:
    """What the opener of an engine knows of the rank that trains.

    Args:
        policy: returns the model in training, without the wrappers of accelerate.
        stopping: what ends a completion.
        device: where the policy is.
        rank: of this process, from 0.
        num_ranks: how many processes train.
        autocast: opened around a forward pass.
        meter: told when weights arrive and when the engine has its memory back.
        run: the run folder that receives a server's log.
        plan: what was planned for this machine; None where no plan could be made.
        scorer: the trainer's side of the rollout self-test; None is leanrl's own pass.
    """

    policy: Callable[[], PreTrainedModel | PeftModel]
    stopping: Stopping
    device: torch.device
    rank: int
    num_ranks: int
    autocast: Callable[[], AbstractContextManager[None]]
    meter: PhaseMeter
    run: RunFolder
    plan: Plan | None = None
    scorer: Scorer | None = None


def training_side_of(trainer: Any) -> TrainingSide:
    """Return the side of a trainer's rank."""
    accelerator = trainer.accelerator
    return TrainingSide(
        policy=lambda: accelerator.unwrap_model(trainer.model),
        stopping=trainer.stopping,
        device=accelerator.device,
        rank=accelerator.process_index,
        num_ranks=accelerator.num_processes,
        autocast=accelerator.autocast,
        meter=trainer.meter,
        run=trainer.run,
        plan=trainer.plan,
    )
