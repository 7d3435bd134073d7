"""Operations of a training step: those of its matrix products and attention, counted by shape while it runs.

Two for a multiplication and an addition, as torch's FlopCounterMode counts them. That counter does not know products
that are added in place, nor attention on a CPU; both are added here, with torch's own formulas. Attention counts as a
whole square, whatever its mask leaves out: what a kernel skips is not the same on every device. Recomputation in the
backward pass runs the same operators again, so it is counted.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only
from torch.utils.flop_counter import flop_registry

_aten = torch.ops.aten
_LIKE = {
    _aten.addmm_: _aten.addmm,
    _aten.baddbmm_: _aten.baddbmm,
    _aten._scaled_dot_product_flash_attention_for_cpu: _aten._scaled_dot_product_flash_attention,
    _aten._scaled_dot_product_flash_attention_for_cpu_backward: _aten._scaled_dot_product_flash_attention_backward,
}
FORMULAS: Mapping[Any, Callable[..., int]] = {
    **flop_registry,
    **{own: flop_registry[known] for own, known in _LIKE.items()},
}
# An operator with one of these words in its name multiplies; without a formula it would be left out in silence.
_MULTIPLIES = {"mm", "addmm", "bmm", "baddbmm", "addbmm", "mv", "addmv", "dot", "vdot", "matmul", "einsum", "linear"}
_MULTIPLIES |= {"attention", "convolution", "conv1d", "conv2d", "conv3d"}


class OperationCounter(TorchDispatchMode):
    """Counts the operations of everything that runs within it, and leaves the products themselves out.

    How many there are depends on shapes alone, so a product's values are zeros. All else runs as it is.

    Attributes:
        by_operator: operations, by the operator's name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.by_operator: Counter[str] = Counter()

    @property
    def total(self) -> int:
        return sum(self.by_operator.values())

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        packet = func._overloadpacket
        if packet not in FORMULAS:
            _refuse_unknown(str(packet))
            return func(*args, **kwargs)
        found = _zeros_of(func, args, kwargs)
        self.by_operator[str(packet)] += FORMULAS[packet](*args, **kwargs, out_val=found)
        return found


def _zeros_of(func: Any, args: Any, kwargs: Any) -> Any:
    """Return what `func` would return, with zeros for numbers; what it writes to stays as it is."""
    if "out" in kwargs:
        return kwargs["out"]
    if func._schema.is_mutable:
        return args[0]
    device = next(arg.device for arg in args if isinstance(arg, Tensor))
    shapes = func(*_on_meta(args), **_on_meta(kwargs))
    return tree_map_only(Tensor, lambda one: torch.zeros_like(one, device=device), shapes)


def _on_meta(values: Any) -> Any:
    return tree_map_only(Tensor, lambda one: one.detach().to("meta"), values)


def _refuse_unknown(name: str) -> None:
    """Refuse an operator that multiplies and has no formula: left out, it would make one side of a ratio too small.

    Raises:
        NotImplementedError: naming it.
    """
    if _MULTIPLIES & set(name.partition(".")[2].split("_")):
        raise NotImplementedError(f"{name} has no formula; give it one in benchmarks/training/operations.py.")
