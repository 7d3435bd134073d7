"""Random numbers that are the same whatever ran in between."""

import random
from contextlib import nullcontext

import numpy as np
import pytest
import torch

from leanrl.trainer.evaluations.random_state import untouched_random_state


def seed():
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)


def draw():
    return random.random(), float(np.random.rand()), float(torch.rand(()))


@pytest.mark.parametrize("fails", [False, True])
def test_what_runs_within_leaves_no_trace(fails):
    seed()
    expected = [draw(), draw()]
    seed()
    first = draw()
    with pytest.raises(KeyError) if fails else nullcontext(), untouched_random_state(torch.device("cpu")):
        draw()
        torch.manual_seed(7)
        if fails:
            raise KeyError("within")
    assert [first, draw()] == expected
