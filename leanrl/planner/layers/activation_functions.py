"""What the activation of an MLP keeps and makes, in bytes for each number within the MLP.

`e` is the size of a computed number. Under autocast, with numbers of two bytes, torch squares in fp32.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_KEYS = ("hidden_activation", "hidden_act", "activation_function")


@dataclass(frozen=True)
class ActivationBytes:
    """Bytes of an MLP without a gate: those kept, those beside them forward, and backward with its result's gradient.

    Some keep their result, which is what the next layer reads, too. `alone` is what a pass without gradients makes,
    the input among it.
    """

    kept: int
    forward: int
    backward: int
    alone: int
    keeps_result: bool = False


def activation_of(config: Mapping[str, Any]) -> str:
    """Return the name of the activation that a config has; without a key the families with a gate have SiLU."""
    return next((str(config[key]) for key in _KEYS if config.get(key)), "silu")


def knows(activation: str, *, has_gate: bool) -> bool:
    """Return whether the planner has the bytes of this activation."""
    return activation in _ONE_KERNEL or (activation in _WITHOUT_GATE and not has_gate)


def activation_params(activation: str) -> int:
    """Return the numbers of an activation that are trained."""
    return 2 if activation == "xielu" else 0


def activation_bytes(activation: str, e: int, *, trains_all: bool, is_recomputed: bool) -> ActivationBytes:
    """Return the bytes of an MLP without a gate, as autograd keeps them and a traced step makes them.

    Tensors of a recomputed layer go when they are read, others when the operator that has kept them is done.
    """
    is_cast = e < 4
    if activation == "relu":
        return ActivationBytes(kept=e, forward=0, backward=2 * e, alone=2 * e, keeps_result=True)
    if activation == "relu2":
        # What ReLU gives is kept by it, and in fp32 by the square; gradient, power and two products in fp32.
        return ActivationBytes(kept=4 + e if is_cast else 4, forward=4 + e, backward=16, alone=12)
    if activation == "gelu_new":
        # The input in fp32 for its cube, the hyperbolic tangent, that plus one, and half the input. Backward fp32
        # gradients of the product and of both factors; one is cast before kept factors go, not before others.
        cast = e * (is_cast and not is_recomputed)
        return ActivationBytes(kept=12 + e, forward=4 + 2 * e * is_cast, backward=12 + cast, alone=8 + 2 * e)
    if activation == "xielu":
        # The input and its sign; in fp32 its multiple, its exponential, and where that is trained the difference.
        return ActivationBytes(kept=e + 9 + 4 * trains_all, forward=12 + e, backward=17, alone=13 + 2 * e)
    return ActivationBytes(kept=e, forward=0, backward=2 * e, alone=2 * e)


# One kernel each, which keeps its input alone.
_ONE_KERNEL = ("silu", "swish", "gelu", "gelu_pytorch_tanh")
_WITHOUT_GATE = ("relu", "relu2", "gelu_new", "xielu")
