"""What a lost server does to a run; the server itself is played, the loopback is real."""

import pytest
import torch

from leanrl.errors import MissingError, StoppedError
from leanrl.rollout.protocol import Adapter, Policy
from leanrl.rollout.server.client import ServerClient
from leanrl.rollout.server.engine import VllmServer
from leanrl.rollout.server.place import free_port

POLICY = Policy(1, adapter=Adapter({"q.lora_A.weight": torch.ones(1, 2)}, {"r": 1}))


class Broken:
    """A server of leanrl's own that never answers; from its `fails_at`-th start on it does not start either."""

    def __init__(self, fails_at):
        self.fails_at, self.num_starts, self.is_stopped = fails_at, 0, False

    def restart(self):
        self.num_starts += 1
        if self.num_starts >= self.fails_at:
            raise MissingError("the rollout server ended with code 1 while starting.")

    def stop(self):
        self.is_stopped = True


def engine_on(process):
    client = ServerClient(f"http://127.0.0.1:{free_port()}", deadline_seconds=1)
    return VllmServer(client, process=process, base="base", dtype=torch.float32)


def test_a_server_that_is_lost_again_and_again_ends_the_run():
    process = Broken(fails_at=99)
    engine = engine_on(process)
    with pytest.raises(StoppedError, match="the rollout server is lost") as caught:
        engine.sync(POLICY)
    assert caught.value.exit_code == 6
    assert process.num_starts == 3
    engine.close()
    assert process.is_stopped


def test_a_server_that_does_not_start_again_leaves_a_run_that_can_be_resumed():
    engine = engine_on(Broken(fails_at=1))
    with pytest.raises(StoppedError, match="does not start again: the rollout server ended with code 1") as caught:
        engine.sync(POLICY)
    assert caught.value.exit_code == 6
    assert "--resume" in caught.value.hint
    engine.close()


def test_a_prefix_cache_that_stays_stops_the_run():
    class Stubborn:
        """A client of a server that takes adapters, and says no when its cache is to be dropped."""

        url = "http://127.0.0.1:9"

        def load_adapter(self, name, folder): ...
        def unload_adapter(self, name): ...

        def reset_prefix_cache(self):
            return False

    engine = VllmServer(Stubborn(), process=None, base="base", dtype=torch.float32)
    with pytest.raises(StoppedError, match=r"127\.0\.0\.1:9 refused to drop its prefix cache"):
        engine.sync(POLICY)
    engine.close()
