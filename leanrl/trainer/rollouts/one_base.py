"""The start of a vLLM on the trainer's card whose base is the trainer's too."""

import logging
from collections.abc import Callable
from typing import Literal

import torch
from torch import nn

from leanrl.errors import ConfigError
from leanrl.rollout.vllm.colocate import VllmColocate
from leanrl.rollout.vllm.shared_base import CannotShareError, frozen_base, move_base
from leanrl.trainer.memory.unused_memory import give_back_unused

_log = logging.getLogger(__name__)


def start_with_one_base(
    start: Callable[[], VllmColocate],
    model: nn.Module,
    *,
    device: torch.device,
    share_base: Literal["auto", True],
) -> VllmColocate:
    """Start an engine and put its base behind the model's frozen parameters; `auto` keeps two where it cannot.

    The trainer's own base waits in host memory meanwhile: the card never holds both.

    Raises:
        ConfigError: if `share_base` is true and vLLM's tensors cannot stand for the trainer's.
    """
    base = frozen_base(model)
    move_base(base, "cpu")
    give_back_unused(device)  # vLLM measures what is free
    engine = start()
    try:
        engine.share_base(base)
    except CannotShareError as error:
        if share_base is True:
            engine.close()
            raise ConfigError(
                f"rollout.share_base is true, and the base cannot be shared: {error}.",
                hint="-s rollout.share_base=auto keeps a second base where it has to",
            ) from error
        move_base(base, device)
        say_separate(str(error))
    return engine


def say_separate(reason: str) -> None:
    """Say that trainer and vLLM hold a base each although one was hoped for."""
    _log.warning("trainer and vLLM have a base each: %s", reason)
