"""The child's side of the pipe: frames, and what a reply says of the process that sent it."""

import os
import time

import pytest

from leanrl.grading.process.frames import read_frame, write_frame
from leanrl.grading.process.worker import _answer

GIGABYTES = 2**40  # a limit that this test process does not come near


@pytest.fixture
def pipe():
    """The two ends of a pipe, reading end first."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.mark.parametrize("value", [{"a": 1}, "é\ud800\0", [], None, "x" * 10_000])
def test_a_frame_arrives_as_it_was_sent(pipe, value):
    """Lone surrogates and NUL bytes, too."""
    write_frame(pipe[1], value)
    assert read_frame(pipe[0]) == value


def test_a_closed_pipe_is_the_end():
    """Also in the middle of a frame."""
    reading, writing = os.pipe()
    os.write(writing, b"\0\0\0\x09{")
    os.close(writing)
    with pytest.raises(EOFError):
        read_frame(reading)
    os.close(reading)


@pytest.mark.parametrize("begun", [b"", b"\0", b"\0\0\0\x09{"])
def test_a_writer_that_is_stuck_is_waited_for_within_the_deadline(pipe, begun):
    os.write(pipe[1], begun)
    with pytest.raises(TimeoutError):
        read_frame(pipe[0], deadline=time.monotonic() + 0.02)


def judge(outcome):
    """Return a reason, or raise."""
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


@pytest.mark.parametrize(
    ("outcome", "memory_bytes", "reason", "is_spent"),
    [
        ("correct", GIGABYTES, "correct", False),
        ("wrong", GIGABYTES, "wrong", False),
        (MemoryError(), GIGABYTES, "memory", True),
        (RecursionError(), GIGABYTES, "died", False),  # no verdict on this one, but the next may have one
        ("wrong", 1, "memory", True),  # the limit was reached, whatever the parser made of that
        ("correct", 1, "correct", True),  # right all the same
    ],
)
def test_replies(pipe, outcome, memory_bytes, reason, is_spent):
    """A process that came near its limit is replaced; what failed is named."""
    assert _answer(pipe[1], judge, {"outcome": outcome}, memory_bytes) == is_spent
    assert read_frame(pipe[0]) == {"reason": reason, "is_spent": is_spent}
