"""The address of a vLLM server, asked before a run loads anything."""

import socket

import pytest

from leanrl.errors import ConfigError
from leanrl.rollout.server.address import require_address
from tests.trainer.small_trainer import small_config


def config(**rollout):
    return small_config("m", rollout=rollout)


@pytest.fixture
def taken():
    """A port of the loopback on which somebody listens and answers nobody."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_a_port_on_which_somebody_listens_is_refused(taken):
    with pytest.raises(ConfigError, match=f"rollout.server_port is {taken}, and 127.0.0.1:{taken} cannot be"):
        require_address(config(engine="vllm-server", server_port=taken))


def test_a_port_is_free_again_when_nobody_listens():
    with socket.socket() as gone:
        gone.bind(("127.0.0.1", 0))
        port = gone.getsockname()[1]
    require_address(config(engine="vllm-server", server_port=port))


def test_a_server_that_answers_nobody_is_given_up(taken, monkeypatch):
    monkeypatch.setattr("leanrl.rollout.server.address._ANSWER_SECONDS", 0.1)
    with pytest.raises(ConfigError, match=r"which cannot be reached: .*timed out"):
        require_address(config(engine="vllm-server", server_url=f"http://127.0.0.1:{taken}"))


@pytest.mark.parametrize("engine", ["hf", "vllm-colocate"])
def test_an_engine_without_a_server_has_no_address(taken, engine):
    require_address(config(engine=engine, server_port=taken))
