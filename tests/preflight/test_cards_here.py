"""GPUs counted without torch: what CUDA_VISIBLE_DEVICES leaves of those that the driver shows."""

import pytest
import torch

from leanrl.preflight import cards_here
from leanrl.preflight.cards_here import num_cards_here


@pytest.mark.parametrize(
    ("visible", "found", "expected"),
    [
        (None, 4, 4),
        ("0,1", 4, 2),
        ("0,1,2,3,4,5", 4, 4),
        ("", 4, 0),
        ("-1", 4, 0),
        ("2,-1,3", 4, 1),  # CUDA takes those before the first that names none
        ("GPU-8f6b,MIG-1a2b", 4, 2),
        (None, 0, 0),
    ],
)
def test_the_driver_and_the_environment_are_counted(monkeypatch, visible, found, expected):
    monkeypatch.setattr(cards_here, "_num_by_nvml", lambda: found)
    assert num_cards_here({} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}) == expected


def test_another_driver_is_left_to_torch(monkeypatch):
    monkeypatch.setattr(cards_here, "_num_by_nvml", lambda: None)
    monkeypatch.setattr(cards_here, "_OTHER_DRIVERS", ("/dev/null",))
    assert num_cards_here({}) is None
    monkeypatch.setattr(cards_here, "_OTHER_DRIVERS", ("/dev/no-such-driver",))
    assert num_cards_here({}) == 0


def test_it_counts_what_torch_counts():
    assert num_cards_here() in (torch.cuda.device_count(), None)
