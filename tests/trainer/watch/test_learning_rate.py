"""A new peak for a schedule that runs."""

import pytest
import torch

from leanrl.trainer.watch.learning_rate import set_peak


@pytest.mark.parametrize("as_tensor", [False, True])
@pytest.mark.parametrize("times", [1, 2])
def test_the_rate_keeps_its_place_in_the_schedule(as_tensor, times):
    """A linear decay over ten steps from 1: after four the rate is 0.6; with half the peak 0.3, then 0.25."""
    rate = torch.tensor(1.0) if as_tensor else 1.0
    optimizer = torch.optim.SGD([{"params": [torch.zeros(1, requires_grad=True)]}], lr=rate)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / 10)
    for _ in range(4):
        optimizer.step()
        scheduler.step()
    for _ in range(times):  # set, not multiplied: a checkpoint of a run that was halved holds the half already
        set_peak(optimizer, scheduler, 0.5)
    assert float(optimizer.param_groups[0]["lr"]) == pytest.approx(0.3)
    assert scheduler.get_last_lr() == pytest.approx([0.3])
    optimizer.step()
    scheduler.step()
    assert float(optimizer.param_groups[0]["lr"]) == pytest.approx(0.25)
