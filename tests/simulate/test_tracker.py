"""The tracker on storages whose bytes are known by hand."""

import torch
from torch._subclasses import FakeTensorMode

from leanrl.simulate.tracker import StorageTracker


def peak_of(tracker: StorageTracker, name: str) -> int:
    return next(peak.bytes for peak in tracker.peaks if peak.name == name)


def test_a_storage_is_counted_once_and_until_it_is_freed():
    tracker = StorageTracker()
    with tracker, tracker.phase("work", category="work"):
        first = torch.zeros(100)
        view = first[:50].view(5, 10)
        assert tracker.live_bytes == 400
        second = first + 1
        assert tracker.live_bytes == 800
        del first
        assert tracker.live_bytes == 800, "a view keeps the storage"
        del view
        assert tracker.live_bytes == 400
        del second
    assert tracker.live_bytes == 0
    assert peak_of(tracker, "work") == 800


def test_blocks_are_rounded_up():
    tracker = StorageTracker(block_bytes=512)
    with tracker, tracker.phase("work", category="work"):
        small, large = torch.zeros(1), torch.zeros(129)
    assert (small.nbytes, large.nbytes) == (4, 516)
    assert peak_of(tracker, "work") == 512 + 1024


def test_categories_at_the_peak():
    tracker = StorageTracker()
    weight = torch.zeros(10)
    tracker.assign([weight], "weights")
    with tracker:
        with tracker.phase("forward", category="activations"):
            kept = weight * 2
        with tracker.phase("step", category="state"):
            state = torch.zeros(5)
        tracker.assign([state], "optimizer state")
    assert {peak.name: peak.categories for peak in tracker.peaks} == {
        "forward": {"weights": 40, "activations": 40},
        "step": {"weights": 40, "activations": 40, "state": 20},
    }
    assert kept.shape == weight.shape


def test_a_phase_that_comes_again_keeps_its_larger_peak():
    tracker = StorageTracker()
    with tracker:
        for size in (10, 30, 20):
            with tracker.phase("work", category="work"):
                torch.zeros(size)
    assert peak_of(tracker, "work") == 120


def test_what_stands_for_host_memory_is_not_counted():
    tracker = StorageTracker()
    with tracker, tracker.phase("work", category="work"):
        moved = torch.zeros(10)
        tracker.forget([moved])
        assert tracker.live_bytes == 0
        del moved
        assert tracker.live_bytes == 0


def test_bytes_within_an_operator_count_at_its_call_only():
    tracker = StorageTracker(operator_bytes={torch.ops.aten.mul.Tensor: lambda left, right: 1000})
    with tracker, tracker.phase("work", category="work"):
        first = torch.zeros(10)
        second = first * first
        assert tracker.live_bytes == 80
    assert second.shape == first.shape
    assert tracker.peaks[0].bytes == 1080
    assert tracker.peaks[0].categories == {"work": 80, "within operators": 1000}


def test_a_gradient_is_found_by_its_owner():
    tracker = StorageTracker()
    weight = torch.zeros(10, requires_grad=True)
    weight.register_post_accumulate_grad_hook(lambda owner: tracker.assign([owner.grad], "gradients"))
    with tracker, tracker.phase("backward", category="activations"):
        (weight * 3).sum().backward()
        assert tracker.peaks[0].categories["activations"] > 0
    assert weight.grad is not None
    assert tracker.live_bytes == 40, "only the gradient lives on"


def test_a_fake_tensor_tells_where_it_was_put():
    with FakeTensorMode(), StorageTracker():
        found = [torch.ops.prim.device(torch.empty(3, device=device)) for device in ("cpu", "meta")]
    assert found == [torch.device("cpu"), torch.device("meta")]
