"""What a push over NCCL leaves behind when its server is lost; the server is played, and the communicator or gloo's."""

import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import wait
from datetime import timedelta

import pytest
import torch
import torch.distributed as dist

from leanrl.errors import StoppedError
from leanrl.rollout.server import weight_transport
from leanrl.rollout.server.client import ServerLostError
from leanrl.rollout.server.weight_transport import NcclTransport
from tests.grading.processes import wait_until

FOREVER = threading.Event()
STUCK = threading.Event()


def wait_forever():
    STUCK.set()
    FOREVER.wait()


class Wire:
    """A communicator that writes down what it carries; a broadcast or an end may wait for ever."""

    def __init__(self, *, broadcasts_end=True, ends=True):
        self.broadcasts_end, self.ends = broadcasts_end, ends
        self.num_carried, self.is_destroyed = 0, False

    def broadcast(self, tensor, src, stream=None):
        if not self.broadcasts_end:
            wait_forever()
        self.num_carried += 1

    def destroy(self):
        if not self.ends:
            FOREVER.wait()
        self.is_destroyed = True


class Server:
    """Takes weights in chunks, until the one that is its last; it goes there, or answers no more."""

    def __init__(self, *, lost_at=None, hangs_at=None):
        self.lost_at, self.hangs_at, self.chunks, self.is_finished = lost_at, hangs_at, [], False

    def start_weight_update(self):
        pass

    def update_weights(self, described):
        self.chunks.append(described["names"])
        if len(self.chunks) == self.lost_at:
            raise ServerLostError("gone")
        if len(self.chunks) == self.hangs_at:
            wait_forever()

    def finish_weight_update(self):
        self.is_finished = True


@pytest.fixture
def wires(monkeypatch):
    """The communicators that were made, one for each meeting."""
    monkeypatch.setattr(torch.cuda, "current_stream", lambda *_: None)
    return []


def push(server, wires, *, put_together, wire=Wire, deadline_seconds=60.0):
    """Push five tensors of 16 bytes in chunks of 32, and note which of them ranks have put together."""

    def weights():
        for number in range(5):
            put_together.append(number)
            yield str(number), torch.zeros(4)

    def connect(*_):
        wires.append(wire())
        return wires[-1]

    transport = NcclTransport(
        server, dtype=torch.float32, deadline_seconds=deadline_seconds, connect=connect, chunk_bytes=32
    )
    transport.push(weights(), "policy-1")
    return transport


def test_weights_travel_in_chunks_in_their_order(wires):
    server = Server()
    transport = push(server, wires, put_together=[])
    assert server.chunks == [["0", "1"], ["2", "3"], ["4"]]
    assert server.is_finished
    assert wires[0].num_carried == 5
    transport.close()
    assert wires[0].is_destroyed


@pytest.mark.parametrize("broadcasts_end", [True, False])
def test_a_push_that_is_lost_lets_the_other_ranks_come_to_their_end(wires, broadcasts_end):
    """They meet the sender in every tensor, and nobody waits in a broadcast that the server has left."""
    put_together, began = [], time.monotonic()
    with pytest.raises(ServerLostError, match="gone"):
        push(Server(lost_at=1), wires, put_together=put_together, wire=lambda: Wire(broadcasts_end=broadcasts_end))
    assert time.monotonic() - began < 30, "long before the deadline: the server has said that it goes"
    assert put_together == [0, 1, 2, 3, 4]
    assert wires[0].is_destroyed


@pytest.fixture
def no_time(monkeypatch):
    """A deadline that passes when one side is stuck and the other has ended, and not before."""
    STUCK.clear()

    def wait_until_stuck(sides, **_):
        wait_until(
            lambda: all(side.done() for side in sides) or (STUCK.is_set() and any(side.done() for side in sides))
        )
        return wait(sides, timeout=0)

    monkeypatch.setattr(weight_transport, "wait", wait_until_stuck)


@pytest.mark.parametrize("waits_for", ["broadcast", "answer"])
def test_a_server_that_takes_no_weights_is_lost_at_the_deadline(wires, no_time, waits_for):
    put_together = []
    server = Server(hangs_at=2 if waits_for == "answer" else None)
    with pytest.raises(ServerLostError, match="the broadcast of weights to the server did not end in time"):
        push(
            server,
            wires,
            put_together=put_together,
            wire=lambda: Wire(broadcasts_end=waits_for == "answer"),
        )
    assert len(server.chunks) == (2 if waits_for == "answer" else 1)
    assert put_together == [0, 1, 2, 3, 4]
    assert wires[0].is_destroyed


def test_a_broadcast_that_cannot_be_ended_stops_the_run_with_how_it_goes_on(wires, monkeypatch):
    """Nothing can be computed on a card that waits in it, so the other ranks are not helped to their end."""
    monkeypatch.setattr(weight_transport, "_END_SECONDS", 0.2)
    put_together = []
    with pytest.raises(StoppedError, match="keeps this card: gone") as caught:
        push(
            Server(lost_at=1),
            wires,
            put_together=put_together,
            wire=lambda: Wire(broadcasts_end=False, ends=False),
        )
    assert caught.value.exit_code == 6
    assert "leanrl train --resume" in caught.value.hint
    assert put_together == [0, 1, 2]


class GlooWire:
    """A communicator of gloo with another process, which takes the first tensor and then nothing."""

    def __init__(self, file, fault):
        self.fault = fault
        self.partner = multiprocessing.get_context("fork").Process(target=_take_one, args=(file, fault), daemon=True)
        self.partner.start()
        self.group = _gloo(file, rank=0)

    def broadcast(self, tensor, src, stream=None):
        # Larger than what a socket keeps: it ends when the other side has taken it.
        self.group.broadcast(torch.zeros(2**24), src).wait()

    def destroy(self):
        os.kill(self.partner.pid, signal.SIGKILL)  # ends what waits for it, as an abort does
        self.partner.join()


def _gloo(file, *, rank):
    return dist.ProcessGroupGloo(dist.FileStore(str(file), 2), rank, 2, timedelta(minutes=10))


def _take_one(file, fault):
    group = _gloo(file, rank=1)
    group.broadcast(torch.zeros(2**24), 0).wait()
    os.kill(os.getpid(), fault)


@pytest.mark.parametrize(
    ("fault", "said", "deadline_seconds"),
    [
        (signal.SIGKILL, "the broadcast of weights to the server failed", 60.0),
        (signal.SIGSTOP, "did not end in time", 3.0),
    ],
)
def test_a_partner_that_dies_or_stops_within_a_real_broadcast_is_lost(wires, tmp_path, fault, said, deadline_seconds):
    put_together, began = [], time.monotonic()
    with pytest.raises(ServerLostError, match=said):
        push(
            Server(),
            wires,
            put_together=put_together,
            wire=lambda: GlooWire(tmp_path / "store", fault),
            deadline_seconds=deadline_seconds,
        )
    assert time.monotonic() - began < 60
    assert put_together == [0, 1, 2, 3, 4]
    assert not wires[0].partner.is_alive()


def test_a_meeting_that_fails_is_a_lost_server_and_one_that_succeeds_returns_its_communicator():
    def fail():
        raise RuntimeError("NCCL error: remote process exited")

    together = weight_transport._together
    with pytest.raises(ServerLostError, match="the meeting failed: NCCL error"):
        together(FOREVER.wait, fail, seconds=60, what="the meeting")
    with pytest.raises(ServerLostError, match="the meeting did not end in time"):
        together(lambda: None, FOREVER.wait, seconds=0.1, what="the meeting")
    assert together(lambda: None, lambda: "communicator", seconds=60, what="the meeting") == "communicator"
