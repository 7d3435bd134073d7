"""What a meter reads: a GPU's allocator through a stand-in for torch.cuda, and this process for real."""

import mmap
from pathlib import Path

import psutil
import pytest
import torch

from leanrl.trainer.memory import gauges
from leanrl.trainer.memory.gauges import CudaGauge, PeakRssGauge, SampledRssGauge, choose_gauge
from leanrl.trainer.memory.phase_meter import Peak, PhaseMeter

BIG = 256 * 2**20
CAN_RESET = isinstance(choose_gauge(torch.device("cpu")), PeakRssGauge)


class StandInCuda:
    """The four calls of torch.cuda on two devices, with the meaning of their documentation."""

    def __init__(self):
        self.allocated, self.reserved = {0: 0, 1: 0}, {0: 0, 1: 0}
        self.most_allocated, self.most_reserved = dict(self.allocated), dict(self.reserved)

    def hold(self, device, *, allocated, reserved):
        self.allocated[device], self.reserved[device] = allocated, reserved
        self.most_allocated[device] = max(self.most_allocated[device], allocated)
        self.most_reserved[device] = max(self.most_reserved[device], reserved)

    def synchronize(self, device):
        self.waited_for = device

    def max_memory_allocated(self, device):
        return self.most_allocated[device]

    def max_memory_reserved(self, device):
        return self.most_reserved[device]

    def reset_peak_memory_stats(self, device):
        self.most_allocated[device], self.most_reserved[device] = self.allocated[device], self.reserved[device]


def test_phases_on_a_gpu():
    """The allocator keeps what it reserved: the second phase still has 12 of the first; the other card is not read."""
    cuda = StandInCuda()
    meter = PhaseMeter(CudaGauge(cuda, 1))
    cuda.hold(0, allocated=99, reserved=99)
    cuda.hold(1, allocated=4, reserved=6)
    meter.end()
    with meter.phase("forward_backward"):
        cuda.hold(1, allocated=9, reserved=12)
        cuda.hold(1, allocated=5, reserved=12)
    with meter.phase("optimizer_step"):
        cuda.hold(1, allocated=7, reserved=12)
    assert cuda.waited_for == 1
    assert meter.take() == {"load": Peak(4, 6), "forward_backward": Peak(9, 12), "optimizer_step": Peak(7, 12)}


def test_what_a_colocated_vllm_has_given_back_is_not_held():
    """It gives back 20 of 30 after a rollout, and torch counts them on: training holds 10 + 5, the next rollout 30 + 1.

    The second rollout needs no new weights, so it wakes and sleeps within one phase: `split` ends its first stretch.
    """
    cuda, released = StandInCuda(), {"bytes": 0}
    meter = PhaseMeter(CudaGauge(cuda, 0, released_bytes=lambda: released["bytes"]))
    cuda.hold(0, allocated=30, reserved=32)
    meter.end()
    with meter.phase("rollout"):
        released["bytes"] = 20
    with meter.phase("forward_backward"):
        cuda.hold(0, allocated=35, reserved=40)
        cuda.hold(0, allocated=30, reserved=40)
    trained = meter.take()
    with meter.phase("rollout"):
        released["bytes"] = 0
        meter.split()
        cuda.hold(0, allocated=31, reserved=40)
        released["bytes"] = 20
    assert trained == {"load": Peak(30, 32), "rollout": Peak(30, 32), "forward_backward": Peak(15, 20)}
    assert meter.take() == {"rollout": Peak(31, 40)}


def test_the_calls_of_torch_cuda_exist():
    for name in ("synchronize", "max_memory_allocated", "max_memory_reserved", "reset_peak_memory_stats"):
        assert callable(getattr(torch.cuda, name))


def test_a_gpu_has_the_allocators_gauge():
    assert isinstance(choose_gauge(torch.device("cuda:0")), CudaGauge)


@pytest.mark.skipif(not CAN_RESET, reason="this system keeps no peak that can be reset")
def test_the_peak_of_a_process_is_read_and_reset():
    """256 MiB are touched and given back within one phase; the next does not see them."""
    meter = PhaseMeter(choose_gauge(torch.device("cpu")))
    meter.end()
    with meter.phase("rollout"):
        before = psutil.Process().memory_info().rss
        _touch_and_give_back(BIG)
    with meter.phase("save"):
        pass
    peaks = meter.take()
    assert peaks["rollout"].allocated_bytes >= before + BIG - 2**20
    assert peaks["save"].allocated_bytes < peaks["rollout"].allocated_bytes - BIG // 2
    assert peaks["rollout"].reserved_bytes is None


def test_where_no_peak_can_be_reset_the_end_of_a_phase_stands_for_it(monkeypatch):
    monkeypatch.setattr(gauges, "_CLEAR_REFS", Path("/proc/self/no-such-file"))
    gauge = choose_gauge(torch.device("cpu"))
    assert isinstance(gauge, SampledRssGauge)
    assert "sampled" in gauge.source
    meter = PhaseMeter(gauge)
    meter.end()
    with meter.phase("rollout"):
        kept = _touch(BIG)
    with_it = meter.take()["rollout"].allocated_bytes
    kept.close()
    assert BIG < with_it < 2**40


def test_the_peak_is_read_in_bytes(tmp_path):
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmPeak:\t    9000 kB\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n")
    assert PeakRssGauge(tmp_path / "clear_refs", status).read() == Peak(2048 * 1024)


def test_choosing_a_gauge_resets_nothing(tmp_path, monkeypatch):
    """Opened, but nothing written: the peak of loading is still to be read."""
    clear_refs = tmp_path / "clear_refs"
    monkeypatch.setattr(gauges, "_CLEAR_REFS", clear_refs)
    choose_gauge(torch.device("cpu"))
    assert clear_refs.read_text() == ""


def _touch(num_bytes):
    """Hold memory that goes straight back to the system when it is closed."""
    pages = mmap.mmap(-1, num_bytes)
    for start in range(0, num_bytes, mmap.PAGESIZE):
        pages[start] = 1
    return pages


def _touch_and_give_back(num_bytes):
    _touch(num_bytes).close()
