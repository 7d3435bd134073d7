"""Memory that nothing uses any more and its allocator keeps: others find no room in it."""

import ctypes

import torch


def give_back_unused(device: torch.device) -> None:
    """Return what torch's allocator keeps to the card, or what glibc keeps to the system.

    glibc learns from freed tensors to take larger ones from its heap, and what lies between two that live stays there.
    """
    if device.type == "cuda":
        torch.cuda.empty_cache()
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
    if trim is not None:
        trim(0)
