"""A real vLLM server on the loopback: adapters over HTTP, a server that dies or hangs, one that another run has used.

One server of leanrl's own serves the file; each test leaves it running.
"""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import torch
from transformers import AutoConfig
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.errors import ConfigError, MissingError, StoppedError
from leanrl.rollout.group_seeds import with_seeds
from leanrl.rollout.selftest import choose, mean_difference
from leanrl.rollout.server.base import require_usable_server
from leanrl.rollout.server.client import ServerClient
from leanrl.rollout.server.command import server_environment
from leanrl.rollout.server.engine import VllmServer
from leanrl.rollout.server.place import free_port
from leanrl.rollout.server.process import ServerProcess
from leanrl.rollout.vllm.engine_arguments import server_flags
from tests.cli.run import tiny_overrides
from tests.processes import alive_after
from tests.tiny_model import make_tiny_model
from tests.vllm.policies import TrainedPolicy, requests, sampling, small_arguments

DEADLINE_SECONDS = 8.0
START_SECONDS = 180.0


def server_on(folder, log, **arguments):
    flags = server_flags(small_arguments(folder) | {"served_model_name": "base"} | arguments)
    return ServerProcess(
        flags,
        port=None,
        log=log,
        environment=server_environment([]),
        start_seconds=START_SECONDS,
    )


@pytest.fixture(scope="module")
def process(tiny_model, tmp_path_factory):
    process = server_on(tiny_model, tmp_path_factory.mktemp("server") / "server.log")
    process.start()
    yield process
    process.stop()


@pytest.fixture
def engine(process):
    client = ServerClient(process.url, deadline_seconds=DEADLINE_SECONDS)
    engine = VllmServer(client, process=process, base="base", dtype=torch.float32)
    yield engine
    engine._process = None  # the server is the next test's too
    engine.close()


def difference(trained, engine):
    asked = requests()
    drawn = choose(asked, engine.generate(asked, sampling()))
    assert all(len(one.logprobs) == len(one.token_ids) > 0 for one in drawn)
    return mean_difference(drawn, trained.scorer.score(drawn, temperature=0.7))


def server_processes(process):
    """Return the processes of the server: what the guard has started, and what that has started."""
    guard = psutil.Process(process._guard.pid)
    return guard.children(recursive=True)


def test_every_version_is_served_as_it_is_and_the_one_before_removed(trained, engine, process):
    for _ in range(3):
        trained.train()
        engine.sync(trained.policy)
        assert difference(trained, engine) < 1e-5
        served = [one["id"] for one in ServerClient(process.url, deadline_seconds=5).models()]
        assert len(served) == 2, "the base, and one adapter"
    trained.train()
    assert difference(trained, engine) > 0.05


def test_a_second_run_on_the_same_server_meets_no_name_of_the_first(trained, engine, process):
    """Both are at version 1: with names by version alone the second would be refused, or answered from the first."""
    trained.train()
    engine.sync(trained.policy)
    second = VllmServer(
        ServerClient(process.url, deadline_seconds=DEADLINE_SECONDS), process=None, base="base", dtype=torch.float32
    )
    other = TrainedPolicy(trained.folder)
    other.version = 7
    other.train()
    other.version = 1
    second.sync(other.policy)
    assert difference(other, second) < 1e-5
    assert difference(trained, second) > 0.05
    second.close()
    assert difference(trained, engine) < 1e-5


def test_groups_of_different_sizes_come_back_in_order(trained, engine):
    trained.train()
    engine.sync(trained.policy)
    first, second = requests()
    asked = [first, type(first)(second.prompt_ids, 3), type(first)(first.prompt_ids, 1)]
    groups = engine.generate(asked, sampling())
    assert [len(group) for group in groups] == [2, 3, 1]


def test_seeds_repeat_what_is_drawn_and_a_group_differs_within(trained, engine):
    trained.train()
    engine.sync(trained.policy)

    def drawn(step):
        groups = engine.generate(with_seeds(requests(), run_seed=1, step=step), sampling())
        return [[completion.token_ids for completion in group] for group in groups]

    first = drawn(2)
    assert drawn(2) == first
    assert drawn(3) != first
    assert all(one != other for one, other, *_ in first)


def test_the_servers_routes_are_on_a_socket_that_no_other_user_reaches(process):
    """No port of any of its processes answers HTTP; vLLM's own workers may listen for each other."""
    path = Path(process.url.removeprefix("unix:"))
    assert path.is_socket()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    ports = {
        connection.laddr.port
        for one in server_processes(process)
        for connection in one.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    answering = [port for port in ports if ServerClient(f"http://127.0.0.1:{port}", deadline_seconds=2).is_healthy()]
    assert answering == []


def test_a_killed_server_is_started_anew_and_brought_to_the_current_policy(trained, engine, process):
    trained.train()
    engine.sync(trained.policy)
    killed = server_processes(process)
    for one in killed:
        one.kill()
    assert alive_after([one.pid for one in killed], seconds=10) == []
    assert difference(trained, engine) < 1e-5


def test_a_server_that_hangs_is_lost_at_the_deadline(trained, engine, process):
    trained.train()
    engine.sync(trained.policy)
    hung = server_processes(process)
    for one in hung:
        one.suspend()
    assert difference(trained, engine) < 1e-5
    assert not any(one.is_running() for one in hung)


def test_a_users_server_that_is_lost_stops_the_run(trained):
    client = ServerClient(f"http://127.0.0.1:{free_port()}", deadline_seconds=2)
    engine = VllmServer(client, process=None, base="base", dtype=torch.float32)
    with pytest.raises(StoppedError, match="the rollout server is lost") as caught:
        engine.sync(trained.policy)
    assert caught.value.exit_code == 6
    engine.close()


def base_config(folder):
    config = AutoConfig.from_pretrained(folder)
    config.name_or_path = str(folder)
    return config


def test_a_server_with_the_same_base_is_taken_wherever_its_copy_lies(process, tiny_model, tmp_path):
    client = ServerClient(process.url, deadline_seconds=START_SECONDS)
    copy = make_tiny_model(tmp_path / "copy")
    for folder in (tiny_model, copy):
        assert require_usable_server(client, base_config(folder), max_model_tokens=160, dtype="float32") == "base"


def test_a_server_with_another_base_is_refused_with_both_hashes(process, tmp_path):
    other = base_config(make_tiny_model(tmp_path / "qwen", family="qwen2"))
    client = ServerClient(process.url, deadline_seconds=START_SECONDS)
    with pytest.raises(ConfigError) as caught:
        require_usable_server(client, other, max_model_tokens=500, dtype="bfloat16")
    said = str(caught.value)
    assert "(config " in said
    assert "its context is 160 tokens, and 500 are needed" in said
    assert "torch.float32, and the trainer in bfloat16" in said
    assert len(caught.value.problems) == 3


def test_a_run_compares_the_servers_base_before_it_loads_its_own(process, tmp_path):
    """Its weights cannot be read, which would be said if they were loaded first."""
    other = make_tiny_model(tmp_path / "qwen", family="qwen2")
    (other / "model.safetensors").write_bytes(b"")
    changes = (f"rollout.server_url={process.url}", "rollout.engine=vllm-server")
    command = ["train", "-p", "cpu-demo", *tiny_overrides(other, *changes), "--run-dir", str(tmp_path / "run")]
    error = CliRunner().invoke(app, command).exception
    assert isinstance(error, ConfigError), error
    assert f"and {other} is trained (config " in str(error)
    assert not (tmp_path / "run").exists()


def test_a_server_is_refused_that_has_no_nf4_where_nf4_is_asked_for(process, tiny_model):
    client = ServerClient(process.url, deadline_seconds=5)
    with pytest.raises(ConfigError, match=r"quantised by nothing, and rollout\.base asks for bitsandbytes"):
        require_usable_server(client, base_config(tiny_model), max_model_tokens=160, dtype="float32", is_nf4=True)


def test_an_unreachable_server_is_refused():
    client = ServerClient(f"http://127.0.0.1:{free_port()}", deadline_seconds=2)
    with pytest.raises(ConfigError, match="cannot be reached"):
        require_usable_server(client, AutoConfig.for_model("llama"), max_model_tokens=8, dtype="float32")


def test_a_server_that_cannot_start_shows_the_end_of_its_log(tmp_path, trained):
    process = server_on(trained.folder, tmp_path / "log", model=str(tmp_path / "no-model"))
    with pytest.raises(MissingError) as caught:
        process.start()
    assert "ended with code" in str(caught.value)
    assert "no-model" in str(caught.value)
    process.stop()


def test_nothing_is_left_when_the_trainer_is_killed(tmp_path, trained):
    """A process that starts a server and is killed with signal 9: the guard notices, and ends the server."""
    script = Path(__file__).with_name("start_server.py")
    port = free_port()
    command = [sys.executable, script, str(trained.folder), str(port), str(tmp_path / "log")]
    starter = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert starter.stdout.readline() == "ready\n"
    family = psutil.Process(starter.pid).children(recursive=True)
    assert len(family) >= 3, "the guard, the server and its engine"
    os.kill(starter.pid, signal.SIGKILL)
    starter.wait()
    assert alive_after([one.pid for one in family], seconds=20) == []
