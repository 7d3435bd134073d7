"""Runs whose reference policy is reset to the policy: what the KL is measured from, and how they go on."""

import shutil

import pytest
import torch

from leanrl.errors import ConfigError
from leanrl.storage.checkpoint_files import REFERENCE
from leanrl.storage.run_folder import RunFolder, read_jsonl
from tests.cli.run import leanrl, tiny_overrides
from tests.faults.kills import PLUGINS
from tests.faults.outcome import differences, outcome_of
from tests.trainer.small_trainer import Notes, small_config, small_trainer

NUMBERS = ("loss", "grad_norm", "reward", "entropy", "kl")
LORA = {"tuning": {"rank": 4}}
FULL = {"tuning": {"method": "full"}}
QLORA = {"tuning": {"method": "qlora", "rank": 4}, "dtype": "bfloat16", "compute_dtype": "bfloat16"}
IN_BF16 = {"tuning": {"method": "full"}, "dtype": "bfloat16", "compute_dtype": "bfloat16"}


def _trained(folder, run_path, *, every=2, model=LORA, checkpoint=None, optimizer="adamw", **train):
    """Return the trainer after four steps, and the lines of those that it took."""
    base = {"id": str(folder), "dtype": "float32", "compute_dtype": "float32"}
    config = small_config(
        folder,
        model={**base, **model},
        algorithm={"kl_beta": 0.5},
        schedules={"reset_reference_every_steps": every},
        optimizer={"name": optimizer, "learning_rate": 1.0e-2},
        train={"max_steps": 4, **train},
        checkpoints={"every_steps": 1, "keep_last": 9},
    )
    notes = Notes()
    trainer, *_ = small_trainer(config, run_path, listener=notes)
    trainer.train_from(checkpoint)
    return trainer, notes.steps


def _weights(trainer):
    return torch.cat([weight.detach().flatten() for weight in trainer.model.parameters() if weight.requires_grad])


@pytest.mark.parametrize("model", [LORA, FULL, QLORA], ids=["lora", "full", "qlora"])
def test_behind_a_reset_the_policy_is_its_own_reference_and_the_optimizer_begins_anew(tiny_model, tmp_path, model):
    """Reset after two steps: the third has no KL, and after four the optimizer counts two."""
    trainer, steps = _trained(tiny_model, tmp_path / "run", model=model)
    kl = [line["kl"] for line in steps]
    assert kl[0] == pytest.approx(0.0, abs=1e-6)
    assert kl[1] > 1e-4
    assert kl[2] == pytest.approx(0.0, abs=1e-6)
    assert kl[3] > 1e-4
    assert [line["schedule"]["reference_step"] for line in steps] == [0, 0, 2, 2]
    counts = {float(state["step"]) for state in trainer.optimizer.state.values()}
    assert counts == {2.0}


@pytest.mark.parametrize("model", [LORA, FULL], ids=["lora", "full"])
def test_a_reset_that_never_comes_changes_no_number(tiny_model, tmp_path, model):
    """The second adapter adds zero to the base, which is the reference of a run without resets."""
    plain, plain_steps = _trained(tiny_model, tmp_path / "plain", every=None, model=model)
    kept, kept_steps = _trained(tiny_model, tmp_path / "kept", every=100, model=model)
    for line, other in zip(plain_steps, kept_steps, strict=True):
        assert [line[name] for name in NUMBERS] == [other[name] for name in NUMBERS]
    assert torch.equal(_weights(plain), _weights(kept))


@pytest.mark.parametrize(
    ("step", "more"),
    [
        (1, {}),
        (2, {}),
        (3, {}),
        (3, {"model": FULL}),
        (2, {"model": FULL, "reference_device": "disk"}),
        (3, {"model": FULL, "reference_device": "host"}),
        (3, {"model": IN_BF16, "optimizer": "adamw_offloaded"}),
        (1, {"model": QLORA}),
        (2, {"model": QLORA}),
        (3, {"model": QLORA}),
    ],
    ids=[
        *("before", "at it", "behind", "full", "full, on disk", "full, in host memory", "masters"),
        *("qlora, before", "qlora, at it", "qlora, behind"),
    ],
)
def test_a_run_that_stops_about_a_reset_goes_on_as_if_it_had_not(tiny_model, tmp_path, step, more):
    whole, steps = _trained(tiny_model, tmp_path / "run", **more)
    run = RunFolder(tmp_path / "run")
    again, resumed = _trained(tiny_model, run, checkpoint=run.checkpoint(step), **more)
    for line, before in zip(resumed, steps[step:], strict=True):
        assert [line[name] for name in NUMBERS] == [before[name] for name in NUMBERS]
    assert torch.equal(_weights(again), _weights(whole))


@pytest.mark.parametrize("model", [LORA, FULL], ids=["lora", "full"])
def test_going_back_to_before_a_reset_in_the_same_process(tiny_model, tmp_path, model):
    """As the watchdog does: the reference of the checkpoint is an earlier one than that in hand."""
    trainer, _ = _trained(tiny_model, tmp_path / "run", model=model)
    whole = _weights(trainer)
    trainer.train_from(RunFolder(tmp_path / "run").checkpoint(1))
    assert torch.equal(_weights(trainer), whole)


@pytest.mark.long
def test_two_ranks_that_stop_about_a_reset_go_on_as_if_they_had_not(tiny_model, tmp_path):
    """DDP over gloo: everything that the run leaves is the same, from the checkpoints before, at and behind a reset."""
    settings = tiny_overrides(
        tiny_model,
        *("hardware.num_cpu_ranks=2", "train.max_steps=4", "train.micro_batch_completions=4"),
        *("schedules.reset_reference_every_steps=2", "algorithm.kl_beta=0.5", "rewards={varied: 1.0}"),
        *("optimizer.learning_rate=1.0e-2", "checkpoints.keep_last=9", "data.num_heldout=0", "eval.greedy=false"),
    )
    run = RunFolder(tmp_path / "run")
    done = leanrl("train", "-p", "cpu-demo", *settings, "--plugin", PLUGINS[0], "--run-dir", run.path)
    assert done.code == 0, done.err
    lines = list(read_jsonl(run.metrics))
    assert [line["schedule"]["reference_step"] for line in lines] == [0, 0, 2, 2]
    assert lines[1]["kl"] > 1e-4
    assert lines[2]["kl"] == pytest.approx(0.0, abs=1e-6)
    whole = outcome_of(run.path)
    for step in (1, 2, 3):
        copy = RunFolder(shutil.copytree(run.path, tmp_path / str(step), symlinks=True))
        for later in range(step + 1, 5):
            shutil.rmtree(copy.checkpoint(later))
        again = leanrl("train", "--resume", copy.path)
        assert again.code == 0, again.err
        assert f"after step {step}" in again.err
        assert differences(whole, outcome_of(copy.path)) == []


def test_a_checkpoint_without_the_reference_is_named(tiny_model, tmp_path):
    _trained(tiny_model, tmp_path / "run", model=FULL)
    run = RunFolder(tmp_path / "run")
    (run.checkpoint(3) / REFERENCE).unlink()
    with pytest.raises(ConfigError, match=f"step-000003 has no {REFERENCE}"):
        _trained(tiny_model, run, model=FULL, checkpoint=run.checkpoint(3))
