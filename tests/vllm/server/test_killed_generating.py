"""A real server that is killed while it generates for a run: what the run says, when it ends, and how it goes on.

Each rollout has 8 completions of up to 300 tokens. The deadline of an answer is many times what that takes on a busy
machine, and no run waits for it: a killed server closes its connections.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from leanrl.rollout.server.command import server_environment
from leanrl.rollout.server.place import free_port
from leanrl.rollout.server.process import ServerProcess
from leanrl.rollout.vllm.engine_arguments import server_flags
from leanrl.storage.run_folder import RunFolder, read_jsonl
from tests.cli.run import tiny_overrides
from tests.processes import alive_after
from tests.vllm.policies import small_arguments

PLUGINS = [Path(__file__).parents[1] / "plugins" / name for name in ("variety.py", "killed_generating.py")]
DEADLINE_SECONDS = 400
# Saving what a summary says, and ending processes; far below the deadline.
ENDS_WITHIN_SECONDS = 150
TIMEOUT_SECONDS = 900
LONG = {"max_prompt_tokens": 160, "max_completion_tokens": 300}


def train(folder, *arguments, **more):
    """Return exit code, what was said, the time of the end, and which processes of its session the run has left."""
    said = folder / "said.txt"
    with said.open("w") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "leanrl", "train", *map(str, arguments)],
            env=os.environ | more,
            stdout=subprocess.DEVNULL,
            stderr=err,
            start_new_session=True,
        )
        code = process.wait(TIMEOUT_SECONDS)
    ended_at = time.time()
    left = alive_after([pid for pid in psutil.pids() if _session(pid) == process.pid], seconds=20)
    return code, said.read_text(), ended_at, left


def _session(pid):
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def new_run(model, run, *more):
    overrides = tiny_overrides(
        model,
        *("rollout.engine=vllm-server", f"rollout.server_deadline_seconds={DEADLINE_SECONDS}", "train.max_steps=4"),
        *(f"rollout.{name}={value}" for name, value in LONG.items()),
        *("rewards.variety=1.0", "data.num_heldout=0", "eval.greedy=false", *more),
    )
    return ["-p", "cpu-demo", *overrides, *(part for file in PLUGINS for part in ("--plugin", file)), "--run-dir", run]


@pytest.fixture
def users_server(tiny_model, tmp_path):
    """A server on a port, as a user starts it; `start` again listens on the same one."""
    flags = server_flags(small_arguments(tiny_model, rollout=LONG) | {"served_model_name": "base"})
    environment = server_environment([])
    port = free_port()
    server = ServerProcess(
        flags, port=port, log=tmp_path / "server.log", environment=environment, start_seconds=TIMEOUT_SECONDS
    )
    server.start()
    yield server
    server.stop()


def killed(file):
    """Return what is known of the kill: the server had begun to generate, and had not answered."""
    row = json.loads(file.read_text())
    assert row["was_generating"], "the rollout was over before the kill"
    assert row["cpu_seconds"] >= 0.3
    assert len(row["pids"]) >= 2, "the server and its engine"
    assert alive_after(row["pids"], seconds=20) == []
    return row


def metrics(run):
    lines = list(read_jsonl(RunFolder(run).metrics))
    assert all(line["sampling_logprob_difference"] < 1e-5 for line in lines)
    return [line["step"] for line in lines]


def test_a_users_server_that_is_killed_ends_the_run_which_goes_on_with_a_new_one(tiny_model, tmp_path, users_server):
    run, file = tmp_path / "run", tmp_path / "killed.json"
    of_kill = {"KILLED_GENERATING": str(file), "KILLED_SERVER": str(users_server._guard.pid)}
    arguments = new_run(tiny_model, run, f"rollout.server_url={users_server.url}")
    code, said, ended_at, left = train(tmp_path, *arguments, **of_kill)
    row = killed(file)
    assert code == 6, said
    assert "error: the rollout server is lost: POST /v1/completions of " in said
    assert f"start the server at {users_server.url} again; then `leanrl train --resume {run}` continues" in said
    assert "Traceback" not in said
    assert ended_at - row["killed_at"] < ENDS_WITHIN_SECONDS
    assert left == []
    assert [path.name for path in RunFolder(run).complete_checkpoints()][-1] == "step-000002"
    users_server.restart()
    code, said, _, left = train(tmp_path, "--resume", run)
    assert code == 0, said
    assert "after step 2" in said
    assert metrics(run) == [1, 2, 3, 4]
    assert left == []


def test_leanrls_own_server_that_is_killed_is_started_anew_within_the_step(tiny_model, tmp_path):
    run, file = tmp_path / "run", tmp_path / "killed.json"
    code, said, _, left = train(tmp_path, *new_run(tiny_model, run), KILLED_GENERATING=str(file))
    killed(file)
    assert code == 0, said
    assert "the rollout server is lost (POST /v1/completions of " in said
    assert "starting it anew" in said
    assert metrics(run) == [1, 2, 3, 4]
    assert left == []
    servers = [one.info["cmdline"] or [] for one in psutil.process_iter(["cmdline"])]
    assert [command for command in servers if str(tiny_model) in command] == []
