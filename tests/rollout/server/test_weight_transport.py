"""What a push over NCCL leaves behind when its server is lost; server and communicator are played."""

import pytest
import torch

from leanrl.rollout.server.client import ServerLostError
from leanrl.rollout.server.weight_transport import NcclTransport


class Wire:
    """A communicator that writes down what it carries."""

    def __init__(self):
        self.num_carried, self.is_destroyed = 0, False

    def broadcast(self, tensor, src, stream=None):
        self.num_carried += 1

    def destroy(self):
        self.is_destroyed = True


class Server:
    """Takes weights in chunks, until the one that is its last."""

    def __init__(self, *, lost_at=None):
        self.lost_at, self.chunks, self.is_finished = lost_at, [], False

    def start_weight_update(self):
        pass

    def update_weights(self, described):
        self.chunks.append(described["names"])
        if len(self.chunks) == self.lost_at:
            raise ServerLostError("gone")

    def finish_weight_update(self):
        self.is_finished = True


@pytest.fixture
def wires(monkeypatch):
    """The communicators that were made, one for each meeting."""
    monkeypatch.setattr(torch.cuda, "current_stream", lambda *_: None)
    return []


def push(server, wires, *, put_together):
    """Push five tensors of 16 bytes in chunks of 32, and note which of them ranks have put together."""

    def weights():
        for number in range(5):
            put_together.append(number)
            yield str(number), torch.zeros(4)

    def connect(_):
        wires.append(Wire())
        return wires[-1]

    transport = NcclTransport(server, dtype=torch.float32, connect=connect, chunk_bytes=32)
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


def test_a_push_that_is_lost_lets_the_other_ranks_come_to_their_end(wires):
    """They meet the sender in every tensor, and nobody waits in a broadcast that the server has left."""
    put_together = []
    with pytest.raises(ServerLostError):
        push(Server(lost_at=1), wires, put_together=put_together)
    assert put_together == [0, 1, 2, 3, 4]
    assert wires[0].is_destroyed
