"""An optimizer that begins anew on the weights as they are."""

import torch

_MASTER = "master"  # of HostAdamW: the exact value of a 16-bit weight, and no memory of gradients


@torch.no_grad()
def forget_moments(optimizer: torch.optim.Optimizer) -> None:
    """Forget moments and counts of steps, as of an optimizer that was just made; exact values of weights stay.

    Optimizers make the state of a weight without one at its next step; where a master stays, the rest is set to zero.
    """
    for state in optimizer.state.values():
        if _MASTER in state:
            for value in (value for name, value in state.items() if name != _MASTER):
                value.zero_()
        else:
            state.clear()
