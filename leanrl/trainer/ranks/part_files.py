"""Files of optimizer state of which each rank has one: the state of its own parts of shared weights."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from transformers import trainer

from leanrl.config.schema import OptimizerConfig
from leanrl.engine.optimizers.choice import keeps_to_parts
from leanrl.errors import ConfigError

# transformers looks for sharded state in a folder with this word in its name.
_FOLDER = "optimizer_parts"


def optimizer_files(optimizer: OptimizerConfig) -> AbstractContextManager[None]:
    """Return the context in which transformers saves and loads the state of an optimizer."""
    return part_files() if keeps_to_parts(optimizer) else nullcontext()


@contextmanager
def part_files() -> Iterator[None]:
    """Let transformers save and load optimizers that keep to their own parts (engine.optimizers.own_parts).

    accelerate would put the state of all ranks together. Blocks of 8-bit moments end where a part ends, so theirs is
    none of the whole, and what is in host memory cannot travel from card to card.
    """
    theirs = trainer.save_fsdp_optimizer, trainer.load_fsdp_optimizer
    trainer.save_fsdp_optimizer, trainer.load_fsdp_optimizer = _save, _load
    try:
        yield
    finally:
        trainer.save_fsdp_optimizer, trainer.load_fsdp_optimizer = theirs


def _save(_: Any, accelerator: Accelerator, optimizer: torch.optim.Optimizer, __: Any, checkpoint: str) -> None:
    folder = Path(checkpoint) / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(optimizer.state_dict(), folder / _file_name(accelerator))


def _load(
    _: Any, accelerator: Accelerator, optimizer: torch.optim.Optimizer, __: Any, checkpoint: str, **___: Any
) -> None:
    """Give a rank the state that it saved.

    Raises:
        ConfigError: if another number of ranks saved it: their parts are others.
    """
    file = Path(checkpoint) / _FOLDER / _file_name(accelerator)
    if not file.is_file():
        num_saved = len(list(file.parent.glob("*.pt")))
        raise ConfigError(
            f"{file.parent} holds the optimizer's state of {num_saved} ranks, each of its own parts of the weights; "
            f"{accelerator.num_processes} ranks train, whose parts are others.",
            hint=f"go on with {num_saved} ranks, as the run's config.json has them",
        )
    optimizer.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))


def _file_name(accelerator: Accelerator) -> str:
    return f"rank-{accelerator.process_index}-of-{accelerator.num_processes}.pt"
