"""`tracking`: a missing package is refused, and each tracker gets metrics, evaluations, config and completions."""

import json
import os
import subprocess
import sys

import pytest
from trl import GRPOConfig

from leanrl.config.checks.support import find_missing
from leanrl.storage.evaluations import read_evaluations
from leanrl.storage.run_folder import RunFolder, read_jsonl
from leanrl.trainer.records.tracking import flat_numbers
from leanrl.trainer.trl_args import grpo_arguments
from tests.trainer.records.tracked_run import environment_of, train_tracked
from tests.trainer.small_trainer import small_config


@pytest.mark.parametrize("tracking", ["wandb", "trackio", "tensorboard"])
def test_the_key_reaches_grpo_config(tiny_model, tmp_path, tracking):
    config = small_config(tiny_model, tracking=tracking)
    arguments = GRPOConfig(**grpo_arguments(config, output_dir=tmp_path))
    assert arguments.report_to == [tracking]
    assert arguments.run_name == "small"


def test_nothing_is_tracked_unless_asked(tiny_model, tmp_path):
    assert GRPOConfig(**grpo_arguments(small_config(tiny_model), output_dir=tmp_path)).report_to == []


@pytest.mark.parametrize("tracking", ["wandb", "trackio", "tensorboard"])
def test_a_missing_package_is_refused(tiny_model, monkeypatch, tracking):
    monkeypatch.setattr("leanrl.config.checks.support.find_spec", lambda name: None if name == tracking else object())
    (problem,) = find_missing(small_config(tiny_model, tracking=tracking))
    assert str(problem) == f"tracking: the package {tracking} is not installed (hint: pip install {tracking})"


@pytest.fixture(scope="module")
def tensorboard_run(tiny_model, tmp_path_factory):
    """A run of two steps with its config and what TensorBoard reads of it."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = RunFolder(tmp_path_factory.mktemp("tracked") / "run")
    config = train_tracked(tiny_model, run.path, "tensorboard")
    events = EventAccumulator(str(run.tensorboard))
    events.Reload()
    return run, config, events


def test_tensorboard_files_lie_in_the_run_and_outlive_its_checkpoints(tensorboard_run):
    """Both steps save a checkpoint, and each save clears away what lies half written beside it."""
    _, _, events = tensorboard_run
    assert [event.step for event in events.Scalars("train/reward")] == [1, 2]


def test_tensorboard_has_every_number_of_metrics(tensorboard_run):
    """TRL logs some under names of its own (see `trainer.records.metrics`); the others have leanrl's."""
    run, _, events = tensorboard_run
    tags = set(events.Tags()["scalars"])
    theirs = {"zero_std_share": "frac_reward_zero_std", "truncated_share": "completions/clipped_ratio"}
    for line in read_jsonl(run.metrics):
        line = {name: value for name, value in line.items() if name not in ("step", "eval")}
        numbers = dict(flat_numbers(line))
        assert {f"train/{theirs.get(name, name)}" for name in numbers} <= tags
    seconds = [event.value for event in events.Scalars("train/seconds/rollout")]
    assert seconds == pytest.approx([line["seconds"]["rollout"] for line in read_jsonl(run.metrics)])


def test_tensorboard_has_the_evaluations_from_the_start(tensorboard_run):
    run, _, events = tensorboard_run
    scores = {event.step: event.value for event in events.Scalars("eval/score")}
    assert scores == pytest.approx({one["step"]: one["score"] for one in read_evaluations(run)})
    assert [event.step for event in events.Scalars("eval/difference")] == [1, 2]


def test_tensorboard_has_config_and_completions_as_they_are(tensorboard_run):
    run, config, events = tensorboard_run
    (text,) = [event.tensor_proto.string_val[0].decode() for event in events.Tensors("leanrl/text_summary")]
    assert json.loads("\n".join(line[4:] for line in text.split("\n"))) == config.model_dump(mode="json")
    tables = events.Tensors("completions/text_summary")
    assert [event.step for event in tables] == [1, 2]
    for event in tables:
        shown = event.tensor_proto.string_val[0].decode()
        assert all(line.startswith("    ") for line in shown.split("\n"))
        for record in read_jsonl(run.completions / f"step-{event.step:06d}.jsonl"):
            assert f"    verdict: {record['verdict'] or ''}" in shown
            assert f"    num_tokens: {record['num_tokens']}" in shown


@pytest.mark.parametrize("tracking", ["wandb", "trackio"])
def test_the_real_tracker_keeps_the_same_without_a_network(tiny_model, tmp_path, tracking):
    """wandb writes an offline run, trackio a local database; both are read back with their own code.

    The extra `dev` installs neither: no run needs one.
    """
    pytest.importorskip(tracking, reason=f"{tracking} is not among the packages of the tests: pip install {tracking}")
    done = subprocess.run(
        [sys.executable, "-m", "tests.trainer.records.tracked_run", tracking, str(tiny_model), str(tmp_path)],
        env=os.environ | environment_of(tmp_path),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kept = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("KEPT "))[len("KEPT ") :])
    run, names = RunFolder(tmp_path / "run"), [name for name, _ in kept["history"]]
    table = {"wandb": "completions/nrows", "trackio": "completions"}[tracking]
    for name in ("train/reward", "train/seconds/rollout", "train/peak_bytes/rss", table):
        assert names.count(name) == 2, name
    scores = [json.loads(value) for name, value in kept["history"] if name == "eval/score"]
    assert scores == pytest.approx([one["score"] for one in read_evaluations(run)])
    assert kept["config"]["leanrl"]["tracking"] == tracking
    assert kept["config"]["leanrl"]["eval"]["every_steps"] == 1
