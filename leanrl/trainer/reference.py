"""The start model that a KL compares with, where a full-parameter run holds a copy of it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from trl import GRPOTrainer

from leanrl.config.schema import TrainConfig
from leanrl.engine.head import attach_logprob_head
from leanrl.engine.host_weights import HostWeights
from leanrl.trainer.unused_memory import give_back_unused

Visits = Callable[[Any], AbstractContextManager[None]]


def prepare_reference(trainer: GRPOTrainer, train: TrainConfig) -> Visits:
    """Make TRL's reference copy score tokens, and send it to host memory where `train.reference_device` says so.

    Call it before a colocated engine measures the card.

    Returns:
        what gives each model to score with the context to do it in: within it the copy is on the training device.
        TRL scores when a step's completions are there, before the first backward pass: no gradient lies beside it.
        One that ranks share needs none: each of its layers visits by itself (`trainer.sharding`).
    """
    reference = trainer.ref_model
    if reference is None:
        return nullcontext
    bare = trainer.accelerator.unwrap_model(reference)
    attach_logprob_head(bare)
    if train.reference_device != "host" or trainer.is_fsdp_enabled:
        return nullcontext
    weights = HostWeights(bare, device=trainer.accelerator.device)
    give_back_unused(trainer.accelerator.device)  # TRL had put the copy there
    return lambda model: weights.visiting() if model is reference else nullcontext()
