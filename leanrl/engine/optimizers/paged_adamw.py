"""RoundedPagedAdamW8bit: bitsandbytes' paged 8-bit AdamW, its bfloat16 weights rounded stochastically."""

from collections.abc import Mapping
from typing import Any

import torch
from bitsandbytes.optim import PagedAdamW8bit
from torch import Tensor, nn

from leanrl.engine.optimizers.rounding import copy_rounded

# bitsandbytes scales its moments in blocks of as many values (Optimizer2State.init_state).
_BLOCK = 256
# Values that are fp32 for a moment: weight, gradient and noise of 4 bytes each make 192 MiB.
_VALUES_AT_ONCE = 2**24


class RoundedPagedAdamW8bit(PagedAdamW8bit):
    """bitsandbytes' optimizer with two changes.

    It rounds bfloat16 weights to the nearest, so that updates below half a unit are lost: here a slice of them is
    updated in fp32 and rounded stochastically. And state that is loaded is paged again: bitsandbytes puts it on the
    card. On a CPU nothing is paged.
    """

    def update_step(self, group: Any, p: Tensor, gindex: int, pindex: int) -> None:
        """Update one weight from its gradient."""
        if p.dtype != torch.bfloat16:
            super().update_step(group, p, gindex, pindex)
            return
        values, grads, state = p.detach().view(-1), p.grad.reshape(-1), self.state[p]
        for start in range(0, values.numel(), _VALUES_AT_ONCE):
            part = slice(start, min(start + _VALUES_AT_ONCE, values.numel()))
            exact = nn.Parameter(values[part].float())
            exact.grad = grads[part].float()
            self.state[exact] = _state_of(state, part)
            super().update_step(group, exact, gindex, pindex)
            num_steps = self.state.pop(exact)["step"]
            copy_rounded(exact.detach(), values[part])
        state["step"] = num_steps

    def load_state_dict(self, state_dict: Mapping[str, Any], move_to_device: bool = True) -> None:
        """Take saved state, and page what is paged."""
        super().load_state_dict(state_dict, move_to_device=False)  # the first step moves what is not paged
        for weight, state in self.state.items():
            for name in ("state1", "state2"):
                buffer = self.get_state_buffer(weight, dtype=state[name].dtype)
                state[name] = buffer.copy_(state[name])


def _state_of(state: Mapping[str, Any], part: slice) -> dict[str, Any]:
    """Return the state of a slice of a weight: its values' moments and their blocks' scales."""
    blocks = slice(part.start // _BLOCK, -(-part.stop // _BLOCK))
    cut = {name: _cut(state[name], part) for name in ("state1", "state2")}
    scales = {name: state[name][blocks] for name in ("absmax1", "absmax2") if name in state}
    return {**state, **cut, **scales}


def _cut(moments: Tensor, part: slice) -> Tensor:
    """Return a slice that bitsandbytes still knows as paged, if the whole is."""
    cut = moments.view(-1)[part]
    if getattr(moments, "is_paged", False):
        cut.is_paged, cut.page_deviceid = True, moments.page_deviceid
    return cut
