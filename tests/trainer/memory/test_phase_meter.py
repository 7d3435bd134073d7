"""Which phase a reading belongs to, on a gauge whose bytes are set by hand."""

import pytest

from leanrl.trainer.memory.phase_meter import Peak, PhaseMeter, as_records, highest, highest_of_each


class HandGauge:
    """Remembers the most it was set to since the last reset; reserves ten bytes more."""

    device, source = "cuda", "by hand"

    def __init__(self):
        self.now = self.most = 0

    def hold(self, num_bytes):
        self.now = num_bytes
        self.most = max(self.most, num_bytes)

    def read(self):
        return Peak(self.most, self.most + 10)

    def reset(self):
        self.most = self.now


@pytest.fixture
def gauge():
    return HandGauge()


def test_each_phase_has_its_own_peak(gauge):
    """Loading passes through 50 and keeps 30; a rollout goes to 80 and back; the next phase starts from 30."""
    meter = PhaseMeter(gauge, first="load")
    gauge.hold(50)
    gauge.hold(30)
    meter.end()
    with meter.phase("rollout"):
        gauge.hold(80)
        gauge.hold(30)
    with meter.phase("forward_backward"):
        gauge.hold(40)
    assert meter.take() == {"load": Peak(50, 60), "rollout": Peak(80, 90), "forward_backward": Peak(40, 50)}


def test_a_phase_that_comes_again_keeps_its_highest(gauge):
    meter = PhaseMeter(gauge)
    meter.end()
    for num_bytes in (20, 70, 40):
        with meter.phase("reference"):
            gauge.hold(num_bytes)
            gauge.hold(5)
    assert meter.take()["reference"] == Peak(70, 80)


def test_a_phase_within_another_has_its_own_bytes(gauge):
    """New weights arrive within a rollout: 90 are the sync's, and the rollout has 60 before and 65 after."""
    meter = PhaseMeter(gauge)
    meter.end()
    with meter.phase("rollout"):
        gauge.hold(60)
        gauge.hold(10)
        with meter.phase("sync"):
            gauge.hold(90)
            gauge.hold(10)
        gauge.hold(65)
    assert {name: peak.allocated_bytes for name, peak in meter.take().items()} == {
        "load": 0,
        "rollout": 65,
        "sync": 90,
    }


def test_what_happens_between_phases_belongs_to_none_but_is_the_highest(gauge):
    meter = PhaseMeter(gauge)
    meter.end()
    meter.take()
    gauge.hold(200)
    gauge.hold(10)
    with meter.phase("rollout"):
        gauge.hold(20)
    assert meter.take() == {"rollout": Peak(20, 30)}
    assert meter.highest_bytes() == 200


def test_what_is_held_now_can_be_the_highest(gauge):
    meter = PhaseMeter(gauge)
    meter.end()
    gauge.hold(300)
    assert meter.highest_bytes() == 300


def test_taking_starts_anew(gauge):
    meter = PhaseMeter(gauge)
    meter.end()
    assert meter.take() == {"load": Peak(0, 10)}
    assert meter.take() == {}


def test_a_phase_that_fails_is_closed(gauge):
    meter = PhaseMeter(gauge)
    meter.end()

    def fail():
        with meter.phase("forward_backward"):
            gauge.hold(55)
            raise MemoryError

    with pytest.raises(MemoryError):
        fail()
    gauge.hold(0)
    with meter.phase("save"):
        gauge.hold(1)
    assert meter.take()["forward_backward"] == Peak(55, 65)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (None, Peak(3, 4), Peak(3, 4)),
        (Peak(5, 6), Peak(3, 9), Peak(5, 9)),
        (Peak(5), Peak(3), Peak(5, None)),
    ],
)
def test_highest(first, second, expected):
    assert highest(first, second) == expected


def test_highest_of_each_keeps_phases_of_both():
    merged = highest_of_each({"load": Peak(7), "rollout": Peak(2)}, {"rollout": Peak(4), "save": Peak(1)})
    assert merged == {"load": Peak(7), "rollout": Peak(4), "save": Peak(1)}


def test_seconds_belong_to_the_innermost_phase(gauge):
    """A rollout of 10 s with 3 s of sync in it, 5 s of grading behind it, and 2 s between that are nobody's."""
    now = [0.0]
    meter = PhaseMeter(gauge, clock=lambda: now[0])

    def wait(seconds):
        now[0] += seconds

    wait(1)
    meter.end()
    with meter.phase("rollout"):
        wait(4)
        with meter.phase("sync"):
            wait(3)
        wait(3)
    wait(2)
    with meter.phase("grading"):
        wait(5)
    assert meter.take_seconds() == {"load": 1, "rollout": 7, "sync": 3, "grading": 5}
    with meter.phase("rollout"):
        wait(1)
    assert meter.take_seconds() == {"rollout": 1}


def test_records():
    assert as_records({"load": Peak(7, 8), "save": Peak(1)}) == [
        {"name": "load", "allocated_bytes": 7, "reserved_bytes": 8},
        {"name": "save", "allocated_bytes": 1, "reserved_bytes": None},
    ]
