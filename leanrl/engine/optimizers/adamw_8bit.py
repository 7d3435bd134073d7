"""RoundedAdamW8bit: torchao's AdamW with 8-bit moments, its bfloat16 weights rounded stochastically."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor
from torchao.optim import AdamW8bit

from leanrl.engine.optimizers.saved_state import state_as_saved

# Below it torchao keeps moments as they are; as bitsandbytes does.
_MIN_8BIT_VALUES = 4096


class RoundedAdamW8bit(AdamW8bit):
    """torchao's optimizer with three changes.

    The moments of small tensors (norms, biases) are fp32: torchao gives them the weight's dtype, and a second moment
    in bfloat16 stops growing once a step adds less than 1/256 of it. They keep that dtype when loaded. On a CPU the
    update runs as it is written: torchao compiles it for every shape, which takes a C++ compiler and minutes.
    """

    def __init__(self, params: Iterable[Any], **values: Any) -> None:
        super().__init__(params, **values, bf16_stochastic_round=True)

    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Update every weight that has a gradient."""
        on_cpu = all(weight.device.type == "cpu" for group in self.param_groups for weight in group["params"])
        with torch.compiler.set_stance("force_eager") if on_cpu else nullcontext():
            return super().step(closure)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take saved state to the weights' device, in the dtype it was saved in."""
        super().load_state_dict({**state_dict, "state": {}})
        self.state.update(
            state_as_saved(
                self.param_groups,
                state_dict,
                place=lambda value, weight: value.to(weight.device) if value.dim() else value,
            )
        )

    def _new_buffer(self, p: Tensor, signed: bool) -> Tensor:
        is_small = p.numel() < _MIN_8BIT_VALUES or p.numel() % self.block_size
        return super()._new_buffer(p.float() if is_small else p, signed)
