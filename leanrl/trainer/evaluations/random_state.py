"""The random numbers of training, put back after something else has run."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def untouched_random_state(device: torch.device) -> Iterator[None]:
    """Give Python's, numpy's and torch's random numbers back as they were, those of `device` among them."""
    python, of_numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(of_numpy)
