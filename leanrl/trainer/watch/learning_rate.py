"""The peak learning rate of an optimizer that runs already."""

from typing import Any

import torch


def set_peak(optimizer: Any, scheduler: Any, peak: float) -> None:
    """Give the schedule another peak; the rate of the next step keeps its place in the schedule.

    A checkpoint holds the peak that its run had, so the new one is set and not multiplied.

    Args:
        scheduler: a `LambdaLR`, which multiplies `base_lrs` by a factor of its step.
    """
    factors = [peak / base if base else 1.0 for base in scheduler.base_lrs]
    for group, factor in zip(optimizer.param_groups, factors, strict=True):
        group["initial_lr"] = peak
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].mul_(factor)
        else:
            group["lr"] *= factor
    scheduler.base_lrs = [peak] * len(factors)
    scheduler._last_lr = [float(group["lr"]) for group in optimizer.param_groups]
