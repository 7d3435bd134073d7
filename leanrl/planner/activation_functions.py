"""What the activation of an MLP keeps and makes, in bytes for each number within the MLP.

`e` is the size of a computed number. Under autocast, with numbers of two bytes, torch squares in fp32.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_KEYS = ("hidden_activation", "hidden_act", "activation_function")


@dataclass(frozen=True)
class ActivationBytes:
    """Of an MLP without a gate: what is kept, what comes beside it forward, and backward with its result's gradient."""

    kept: int
    forward: int
    backward: int


def activation_of(config: Mapping[str, Any]) -> str:
    """Return the name of the activation that a config has; without a key the families with a gate have SiLU."""
    return next((str(config[key]) for key in _KEYS if config.get(key)), "silu")


def knows(activation: str, *, has_gate: bool) -> bool:
    """Return whether the planner has the bytes of this activation."""
    return activation in _ONE_KERNEL or (activation == "relu2" and not has_gate)


def activation_bytes(activation: str, e: int) -> ActivationBytes:
    """Return the bytes of an MLP without a gate."""
    if activation == "relu2":
        # What ReLU gives is kept by it, and in fp32 by the square; gradient, power and two products in fp32.
        return ActivationBytes(kept=4 + e, forward=4, backward=16) if e < 4 else ActivationBytes(4, 4, 16)
    return ActivationBytes(kept=e, forward=0, backward=2 * e)


# One kernel each, which keeps its input alone.
_ONE_KERNEL = ("silu", "swish", "gelu", "gelu_pytorch_tanh")
