"""Runs that follow schedules: completions, loss and metrics have the values, and a resumed run goes on with them."""

import pytest
import torch

from leanrl.storage.run_folder import RunFolder
from tests.trainer.small_trainer import Notes, small_config, small_trainer

NUMBERS = ("loss", "grad_norm", "reward", "entropy", "kl", "schedule")
SCHEDULES = {
    "max_completion_tokens": {"steps": [0, 2], "values": [3, 8]},
    "temperature": {"steps": [0, 4], "values": [1.0, 0.6], "between": "linear"},
    "kl_beta": {"steps": [0, 2, 3], "values": [0.0, 0.05, 0.2]},
    "clip_high": {"steps": [0, 3], "values": [0.2, 0.28]},
    "entropy_coef": {"steps": [0, 4], "values": [0.0, 0.01], "between": "cosine"},
}


def _trained(folder, run_path, *, schedules=SCHEDULES, checkpoint=None, max_steps=4, **algorithm):
    """Return the trained weights, the lines of the steps, and the lengths of each step's completions."""
    config = small_config(
        folder,
        algorithm={"kl_beta": 0.05, "entropy_coef": 0.01, **algorithm},
        schedules=schedules,
        train={"max_steps": max_steps},
        checkpoints={"every_steps": 1, "keep_last": 9},
    )
    notes = Notes()
    trainer, *_ = small_trainer(config, run_path, listener=notes)
    trainer.train_from(checkpoint)
    weights = torch.cat([weight.detach().flatten() for weight in trainer.model.parameters() if weight.requires_grad])
    return weights, notes.steps, trainer


def test_a_step_has_the_values_of_its_schedules(tiny_model, tmp_path):
    _, steps, trainer = _trained(tiny_model, tmp_path / "run")
    assert [line["schedule"]["max_completion_tokens"] for line in steps] == [3, 3, 8, 8]
    assert [line["completion_tokens"]["max"] for line in steps] == [3, 3, 8, 8]
    assert [line["schedule"]["temperature"] for line in steps] == pytest.approx([1.0, 0.9, 0.8, 0.7])
    assert [line["schedule"]["kl_beta"] for line in steps] == [0.0, 0.0, 0.05, 0.2]
    settings = trainer.step_pass.settings
    assert (settings.temperature, settings.kl_beta, settings.clip_high) == (pytest.approx(0.7), 0.2, 0.28)
    assert settings.entropy_coef == pytest.approx(0.01 * (1 + 0.5**0.5) / 2)


def test_a_run_that_stops_within_a_stage_goes_on_as_if_it_had_not(tiny_model, tmp_path):
    whole, steps, _ = _trained(tiny_model, tmp_path / "run")
    run = RunFolder(tmp_path / "run")
    again, resumed, _ = _trained(tiny_model, run, checkpoint=run.checkpoint(1))
    assert [line["step"] for line in resumed] == [2, 3, 4]
    for line, before in zip(resumed, steps[1:], strict=True):
        assert [line[name] for name in NUMBERS] == [before[name] for name in NUMBERS]
    assert torch.equal(again, whole)


def test_going_back_to_a_stage_with_kl_in_the_same_process(tiny_model, tmp_path):
    """As the watchdog goes back: the settings in hand have a KL of 0, and those of the checkpoint have one."""
    schedules = {"kl_beta": {"steps": [0, 2], "values": [0.05, 0.0]}}
    whole, _, trainer = _trained(tiny_model, tmp_path / "run", schedules=schedules)
    assert trainer.step_pass.settings.kl_beta == 0.0
    trainer.train_from(RunFolder(tmp_path / "run").checkpoint(1))
    weights = [weight.detach().flatten() for weight in trainer.model.parameters() if weight.requires_grad]
    assert torch.equal(torch.cat(weights), whole)


def test_constant_schedules_are_bit_identical_to_none(tiny_model, tmp_path):
    """Each has the value of the key that it moves."""
    constant = {
        "max_completion_tokens": {"steps": [0], "values": [8]},
        "temperature": {"steps": [0, 3], "values": [1.0, 1.0], "between": "cosine"},
        "kl_beta": {"steps": [0], "values": [0.05]},
        "entropy_coef": {"steps": [0, 2], "values": [0.01, 0.01], "between": "linear"},
    }
    plain, plain_steps, _ = _trained(tiny_model, tmp_path / "plain", schedules={})
    kept, kept_steps, _ = _trained(tiny_model, tmp_path / "kept", schedules=constant)
    assert torch.equal(plain, kept)
    assert [line["loss"] for line in kept_steps] == [line["loss"] for line in plain_steps]


def test_updates_of_one_rollout_have_the_values_of_its_first_step(tiny_model, tmp_path):
    _, steps, trainer = _trained(tiny_model, tmp_path / "run", num_iterations=2)
    assert trainer.step_pass.settings.kl_beta == 0.05
    assert steps[2]["schedule"]["max_completion_tokens"] == 8
    assert trainer.step_pass.settings.temperature == pytest.approx(0.8)
