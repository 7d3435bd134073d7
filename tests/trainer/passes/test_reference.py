"""The reference in host memory or on disk: when it visits, and that nothing else changes."""

import errno
import os
import re
import tempfile
from contextlib import contextmanager

import pytest
import torch

from leanrl.engine.visiting_weights import VisitingWeights
from leanrl.errors import DoesNotFitError
from leanrl.trainer.memory.probe import probe_longest_batch
from leanrl.trainer.passes import reference as reference_module
from leanrl.trainer.passes import step_pass
from tests.families.table import named
from tests.families.tiny import make_tiny_family
from tests.trainer.small_trainer import Notes, small_config, small_trainer


def config_with(folder, place, **train):
    model = {"id": str(folder), "dtype": "float32", "compute_dtype": "float32", "tuning": {"method": "full"}}
    return small_config(
        folder,
        model=model,
        algorithm={"kl_beta": 0.04},
        train={"reference_device": place, "micro_batch_completions": 3} | train,
    )


class Recorder(VisitingWeights):
    """Notes what the trainer holds when the weights come and go."""

    made = ()

    def __init__(self, model, home):
        super().__init__(model, home)
        self.events, self.num_gradients = [], lambda: None
        Recorder.made = (self,)

    @contextmanager
    def visiting(self):
        self.events.append(("visit", self.num_gradients()))
        with super().visiting():
            yield
        self.events.append(("home", self.num_gradients()))


def test_it_visits_once_a_step_before_any_gradient_exists(tiny_model, tmp_path, monkeypatch):
    """Three micro-batches are scored in one visit; all forward and backward passes come when it is home again."""
    monkeypatch.setattr(reference_module, "VisitingWeights", Recorder)
    trainer, *_ = small_trainer(config_with(tiny_model, "host"), tmp_path / "run", listener=Notes())
    (weights,) = Recorder.made
    weights.num_gradients = lambda: sum(weight.grad is not None for weight in trainer.model.parameters())
    score, train = step_pass.score_micro_batch, step_pass.train_micro_batch

    def scored(model, *args, **kwargs):
        weights.events.append(("score", model is trainer.ref_model))
        return score(model, *args, **kwargs)

    def trained(*args, **kwargs):
        weights.events.append(("train", None))
        return train(*args, **kwargs)

    monkeypatch.setattr(step_pass, "score_micro_batch", scored)
    monkeypatch.setattr(step_pass, "train_micro_batch", trained)
    trainer.train_from(None)
    step = [("visit", 0), *[("score", True)] * 3, ("home", 0), *[("train", None)] * 3]
    assert weights.events == step * 2


@pytest.mark.parametrize("name", ["gemma2", "gpt_oss"])
def test_it_runs_on_the_attention_of_the_policy(name, tmp_path):
    """transformers' sdpa would drop a cap on attention (Gemma 2), and is no choice for GPT-OSS: before an update the
    policy and its copy agree, so the first step has no KL."""
    folder = make_tiny_family(tmp_path / "model", named(name))
    notes = Notes()
    config = config_with(folder, "gpu", pack_rows="never")
    trainer, *_ = small_trainer(config, tmp_path / "run", listener=notes)
    assert trainer.ref_model.config._attn_implementation == "eager"
    trainer.train_from(None)
    assert notes.steps[0]["kl"] == pytest.approx(0.0, abs=1e-9)
    assert notes.steps[1]["kl"] > 1e-6


def test_a_run_is_the_same_to_the_bit_wherever_the_reference_waits(tiny_model, tmp_path):
    runs = []
    for place in ("gpu", "host", "disk"):
        notes = Notes()
        trainer, *_ = small_trainer(config_with(tiny_model, place), tmp_path / place, listener=notes)
        trainer.train_from(None)
        weights = torch.cat([weight.detach().flatten() for weight in trainer.model.parameters()])
        runs.append((weights, [(step["loss"], step["kl"], step["grad_norm"]) for step in notes.steps]))
    for weights, notes in runs[1:]:
        assert torch.equal(weights, runs[0][0])
        assert notes == runs[0][1]
    assert runs[0][1][1][1] > 0  # the second step has a KL


def test_a_disk_that_is_too_full_for_it(tiny_model, tmp_path, monkeypatch):
    """It is said before step 1, with what it would need."""
    monkeypatch.setattr(tempfile, "TemporaryFile", failing_with(errno.ENOSPC))
    with pytest.raises(DoesNotFitError) as raised:
        small_trainer(config_with(tiny_model, "disk"), tmp_path / "run", listener=Notes())
    assert re.search(r"needs 0\.\d+ GiB in .*the disk is full.*--run-dir", str(raised.value), re.DOTALL)


def test_another_error_of_the_disk_stays_what_it_is(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", failing_with(errno.EIO))
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        small_trainer(config_with(tiny_model, "disk"), tmp_path / "run", listener=Notes())


def failing_with(number):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    return fail


def test_the_probe_lets_it_visit_as_well(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(reference_module, "VisitingWeights", Recorder)
    config = config_with(tiny_model, "host", probe="always")
    trainer, *_ = small_trainer(config, tmp_path / "run", listener=Notes())
    (weights,) = Recorder.made
    trainer.run.plan.write_text("{}")
    probe_longest_batch(trainer, plan=None, listener=Notes())
    assert [event for event, _ in weights.events] == ["visit", "home"]
