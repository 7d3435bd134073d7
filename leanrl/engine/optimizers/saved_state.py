"""The state of an optimizer as it was saved, for one whose state is finer than its weights."""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any

from torch import Tensor


def state_as_saved(
    param_groups: Iterable[Mapping[str, Any]],
    state_dict: Mapping[str, Any],
    *,
    place: Callable[[Tensor, Tensor], Tensor],
) -> dict[Tensor, dict[str, Any]]:
    """Return each weight's saved state, in the dtype it was saved in.

    `torch.optim.Optimizer.load_state_dict` casts state to the dtype and device of its weight: fp32 masters of
    bfloat16 weights would come back rounded, and what lives in host memory would land on the card.

    Args:
        param_groups: the optimizer's own.
        state_dict: what its `state_dict()` returned.
        place: takes a saved tensor and its weight, and returns the tensor where it belongs.
    """
    weights = chain.from_iterable(group["params"] for group in param_groups)
    numbers = chain.from_iterable(group["params"] for group in state_dict["param_groups"])
    saved = state_dict["state"]
    return {
        weight: {
            name: place(value, weight) if isinstance(value, Tensor) else value for name, value in saved[number].items()
        }
        for weight, number in zip(weights, numbers, strict=True)
        if number in saved
    }
