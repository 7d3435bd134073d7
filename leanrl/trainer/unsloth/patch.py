"""Whether unsloth has put its trainer in the place of TRL's; where it cannot, it only writes a line into a log."""

import trl
from trl.trainer import grpo_trainer

from leanrl.errors import MissingError


def require_patched_trl() -> None:
    """Check that TRL's trainer and its arguments are unsloth's.

    Raises:
        MissingError: naming those that are not.
    """
    pristine = [
        f"{module.__name__}.{name}"
        for module in (trl, grpo_trainer)
        for name in ("GRPOConfig", "GRPOTrainer")
        if not _is_unsloths(getattr(module, name))
    ]
    if pristine:
        raise MissingError(
            f"unsloth has left {', '.join(pristine)} as TRL made them: a run would be one without unsloth.",
            hint="`leanrl doctor --constraints unsloth` prints versions that it can patch; or -s backend=hf",
        )


def _is_unsloths(patched: type) -> bool:
    """The trainer has unsloth's name; the arguments keep TRL's, for pickle, and have fields of unsloth's."""
    names = (patched.__name__, *getattr(patched, "__dataclass_fields__", ()))
    return any(name.lower().startswith("unsloth") for name in names)
