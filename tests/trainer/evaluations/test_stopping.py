"""A signal during an evaluation saves and ends the run; the resumed run makes that evaluation, and no other twice."""

import signal

import pytest
import torch

from leanrl.errors import StoppedError
from leanrl.storage.evaluations import read_evaluations
from leanrl.storage.run_folder import RunFolder, read_jsonl
from tests.trainer.evaluations.evaluated_run import NUM_STEPS, ChecksumGrader, evaluated_config, open_run

SETTINGS = {"every_steps": 1, "samples": 2, "temperature": 0.8, "batch_size": 4}
_OF_THE_MACHINE = ("seconds", "cpu_share", "peak_bytes", "phase_peak_bytes")


class SignallingGrader(ChecksumGrader):
    """Sends SIGTERM to this process while the first batch of the evaluation after `step` steps is graded."""

    def __init__(self, step):
        self.step, self.trainer, self.num_batches = step, None, 0

    def grade(self, requests):
        if self.trainer.state.global_step == self.step:
            self.num_batches += 1
            if self.num_batches == 1:
                signal.raise_signal(signal.SIGTERM)
        return super().grade(requests)


@pytest.fixture(scope="module")
def whole(tiny_model, tmp_path_factory):
    """A run that was never stopped, and its weights."""
    path = tmp_path_factory.mktemp("stopping") / "whole"
    trainer, *_ = open_run(evaluated_config(tiny_model, **SETTINGS), path)
    trainer.train_from(None)
    return RunFolder(path), weights(trainer)


def weights(trainer):
    return {name: value.clone() for name, value in trainer.model.state_dict().items() if "lora" in name}


def lines(run):
    """Return the metrics of a run without what a clock or the memory says."""
    found = [
        {key: value for key, value in line.items() if key not in _OF_THE_MACHINE} for line in read_jsonl(run.metrics)
    ]
    for line in found:
        line["eval"].pop("seconds")
    return found


def untimed(run):
    return [{key: value for key, value in one.items() if key != "seconds"} for one in read_evaluations(run)]


def test_a_signal_during_an_evaluation_saves_and_the_resumed_run_evaluates(whole, tiny_model, tmp_path):
    """The signal comes in the first of three batches at step 2; checkpoints are due at step 4 alone."""
    run, config = RunFolder(tmp_path / "run"), evaluated_config(tiny_model, **SETTINGS)
    grader = SignallingGrader(step=2)
    trainer, notes, stop = open_run(config, run.path, grader=grader)
    grader.trainer = trainer
    trainer.train_from(None)
    assert (trainer.state.global_step, stop.received, grader.num_batches) == (2, signal.SIGTERM, 1)
    assert [path.name for path in run.complete_checkpoints()] == ["step-000002"]
    assert [one["step"] for one in read_evaluations(run)] == [0, 1]
    assert "evaluation at step 2: broken off; a resumed run makes it" in notes.said

    trainer, notes, _ = open_run(config, run)
    trainer.train_from(run.checkpoint(2))
    assert [line.partition(":")[0] for line in notes.said if "evaluation" in line] == [
        f"evaluation at step {step}" for step in (2, 3, 4)
    ]
    assert untimed(run) == untimed(whole[0])
    assert lines(run) == lines(whole[0])
    assert all(torch.equal(value, whole[1][name]) for name, value in weights(trainer).items())


def test_a_signal_during_the_last_evaluation_lets_it_finish(tiny_model, tmp_path):
    """Nothing of the run is left to save time for."""
    run = RunFolder(tmp_path / "run")
    grader = SignallingGrader(step=1)
    config = evaluated_config(tiny_model, sections={"train": {"max_steps": 1}}, **SETTINGS)
    grader.trainer, *_ = open_run(config, run.path, grader=grader)
    grader.trainer.train_from(None)
    assert [one["step"] for one in read_evaluations(run)] == [0, 1]
    assert grader.num_batches > 1


def test_measuring_on_demand_is_done_once_and_forgotten_by_a_rewind(tiny_model, tmp_path):
    """What a watchdog does: no evaluation is configured, it asks for one, and goes back."""
    run = RunFolder(tmp_path / "run")
    trainer, *_ = open_run(evaluated_config(tiny_model), run.path)
    first = trainer.evaluations.measure(0)
    assert trainer.evaluations.measure(0) is first
    assert len(read_evaluations(run)) == 1
    trainer.train_from(None)
    last = trainer.evaluations.measure(NUM_STEPS)
    assert last["difference"]["value"] == pytest.approx(last["score"] - first["score"])
    assert list(read_jsonl(run.metrics))[-1]["eval"]["score"] == last["score"]
    trainer.evaluations.rewind(0)
    assert [one["step"] for one in read_evaluations(run)] == [0]
    assert trainer.evaluations.of_step(NUM_STEPS) is None


def test_an_engine_that_is_lost_in_an_evaluation_leaves_the_step_before_it(tiny_model, tmp_path, monkeypatch):
    run = RunFolder(tmp_path / "run")
    trainer, *_ = open_run(evaluated_config(tiny_model, **SETTINGS), run.path)
    ask = trainer.rollout.ask

    def lost_at_two(requests, *, step, sampling):
        if step == 2:
            raise StoppedError("the rollout server is lost")
        return ask(requests, step=step, sampling=sampling)

    monkeypatch.setattr(trainer.rollout, "ask", lost_at_two)
    with pytest.raises(StoppedError, match="is lost"):
        trainer.train_from(None)
    assert [path.name for path in run.complete_checkpoints()] == ["step-000002"]
    assert [one["step"] for one in read_evaluations(run)] == [0, 1]
