"""A reference policy that is set to the policy now and then, as ProRL does (arXiv 2505.24864, sec. 2.3), and kept.

The reference of an adapter is a second, frozen adapter, which a checkpoint holds in any case. That of all weights is
a copy, for which a checkpoint gets a file.
"""

from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from leanrl.engine.optimizers.renewal import forget_moments
from leanrl.errors import ConfigError
from leanrl.models.adapters.adapter import add_reference_adapter, set_reference_adapter
from leanrl.storage.checkpoint_files import REFERENCE


def prepare_resets(trainer: Any) -> None:
    """Make room for a reference where it is reset; call it before a colocated engine measures the card."""
    if _is_reset(trainer) and isinstance(trainer.model, PeftModel):
        dtype = getattr(torch, trainer.lean_config.model.tuning.adapter_dtype)
        add_reference_adapter(trainer.model, dtype)


def reset_reference(trainer: Any) -> None:
    """Make the policy as it is the reference, and let the optimizer begin anew."""
    policy = trainer.accelerator.unwrap_model(trainer.model)
    if isinstance(policy, PeftModel):
        set_reference_adapter(policy)
    else:
        trainer.reference_copy.take(policy.parameters())
    forget_moments(getattr(trainer.optimizer, "optimizer", trainer.optimizer))


def kept_reference(trainer: Any) -> nn.Module | None:
    """Return the copy of all weights that checkpoints keep since it is reset; None where none has to be kept."""
    reference: nn.Module | None = trainer.ref_model
    return reference if _is_reset(trainer) else None


def save_reference(trainer: Any, folder: Path) -> None:
    """Write the copy that checkpoints keep; an adapter is there already."""
    reference = kept_reference(trainer)
    if reference is None:
        return
    with trainer.reference_copy.visiting(reference):
        weights = {name: weight.detach().cpu().contiguous() for name, weight in reference.named_parameters()}
    save_file(weights, folder / REFERENCE)


def load_reference(trainer: Any, checkpoint: Path) -> None:
    """Take the copy that checkpoints keep from one.

    Raises:
        ConfigError: if the checkpoint has none, or one of another model.
    """
    reference = kept_reference(trainer)
    if reference is None:
        return
    file = checkpoint / REFERENCE
    if not file.is_file():
        raise ConfigError(
            f"{checkpoint} has no {REFERENCE}, and the run resets its reference policy.",
            hint="it was saved without schedules.reset_reference_every_steps; start anew, or set that to null",
        )
    with safe_open(file, framework="pt") as saved:
        names = [name for name, _ in reference.named_parameters()]
        if sorted(saved.keys()) != sorted(names):
            raise ConfigError(f"{file} holds the weights of another model.", hint="`leanrl train` starts a run anew")
        trainer.reference_copy.take(saved.get_tensor(name) for name in names)


def _is_reset(trainer: Any) -> bool:
    return trainer.lean_config.schedules.reset_reference_every_steps is not None
