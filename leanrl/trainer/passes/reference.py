"""The reference policy of a KL, where a full-parameter run holds a copy of it."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from trl import GRPOTrainer
from trl.trainer.utils import use_adapter

from leanrl.config.schema import TrainConfig
from leanrl.engine.head.scoring import attach_logprob_head
from leanrl.engine.visiting_weights import HostMemory, NamelessFile, VisitingWeights
from leanrl.errors import DoesNotFitError
from leanrl.trainer.checkpoints.upkeep import is_full_disk
from leanrl.trainer.memory.unused_memory import give_back_unused
from leanrl.trainer.passes.compared import Reference


@dataclass(frozen=True)
class Copy:
    """TRL's copy of the policy, and where its weights wait; without `home` on the training device."""

    model: nn.Module | None
    home: VisitingWeights | None = None

    def visiting(self, model: Any) -> AbstractContextManager[None]:
        """Have the copy on the training device inside, where it is the model that scores."""
        return nullcontext() if self.home is None or model is not self.model else self.home.visiting()

    @torch.no_grad()
    def take(self, weights: Iterable[Tensor]) -> None:
        """Take the weights of another model of the same class, in the order of its parameters."""
        assert self.model is not None
        if self.home is not None:
            self.home.store([weight.detach() for weight in weights])
            return
        for held, weight in zip(self.model.parameters(), weights, strict=True):
            held.copy_(weight)


def prepare_reference(trainer: GRPOTrainer, train: TrainConfig, *, folder: Path) -> Copy:
    """Make TRL's reference copy score tokens, and send it to where `train.reference_device` says.

    Call it before a colocated engine measures the card.

    Args:
        folder: the run's, which takes the file of a reference on disk.

    Returns:
        the copy, whose `visiting` is the context for each model to score in: within it the copy is on the training
        device. TRL scores when a step's completions are there, before the first backward pass: no gradient lies beside
        it.
        One that ranks share needs none: each of its layers visits by itself (`trainer.ranks.sharding`).

    Raises:
        DoesNotFitError: if it goes to a disk that is too full for it.
    """
    reference = trainer.ref_model
    if reference is None:
        return Copy(None)
    bare = trainer.accelerator.unwrap_model(reference)
    attach_logprob_head(bare)
    if train.reference_device == "gpu" or trainer.is_fsdp_enabled:
        return Copy(reference)
    device = trainer.accelerator.device
    weights = _send_home(bare, train, device=device, folder=folder)
    give_back_unused(device)  # TRL had put the copy there
    return Copy(reference, weights)


def open_reference(trainer: GRPOTrainer) -> Reference:
    """Return what opens the reference policy: TRL's copy, or the trained model as it was without its training.

    TRL keeps a start adapter that goes on training as an adapter named `ref`; a new adapter is left out.
    """

    @contextmanager
    def opened() -> Iterator[nn.Module]:
        if trainer.ref_model is not None:
            with trainer.reference_copy.visiting(trainer.ref_model):
                yield trainer.ref_model
            return
        model = trainer.accelerator.unwrap_model(trainer.model)
        with use_adapter(model, adapter_name="ref" if "ref" in model.peft_config else None):
            yield trainer.model

    return opened


def _send_home(model: nn.Module, train: TrainConfig, *, device: torch.device, folder: Path) -> VisitingWeights:
    if train.reference_device == "host":
        return VisitingWeights(model, partial(HostMemory, device=device))
    try:
        return VisitingWeights(model, partial(NamelessFile, device=device, folder=folder))
    except OSError as error:
        if not is_full_disk(error):
            raise
        num_bytes = sum(weight.nbytes for weight in model.parameters())
        raise DoesNotFitError(
            f"the reference needs {num_bytes / 2**30:.1f} GiB in {folder}, and the disk is full.",
            hint="name a larger disk with `--run-dir`, or keep it in memory with -s train.reference_device=gpu",
        ) from error
