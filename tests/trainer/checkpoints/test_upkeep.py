"""Checkpoints: complete or not there, the newest found, the oldest gone, and no room for another."""

import hashlib
import json
import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import nn
from transformers import TrainerCallback

from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError, DoesNotFitError, StoppedError
from leanrl.storage.checkpoint_files import COMPLETE
from leanrl.storage.run_folder import RunFolder
from leanrl.trainer.checkpoints.upkeep import (
    checkpoint_bytes,
    is_full_disk,
    newest_checkpoint,
    require_disk_space,
    resume_damage,
    rewind,
    stop_for_full_disk,
)
from tests.trainer.small_trainer import Notes, small_config, small_trainer


@pytest.fixture
def run(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.checkpoints.mkdir(parents=True)
    return folder


def written(run, step, text="weights"):
    """Write what the trainer leaves under .partial, and return it."""
    folder = run.partial_checkpoints / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    (folder / "adapter_model.safetensors").write_text(text)
    return folder


def published(run, *steps):
    for step in steps:
        run.publish_checkpoint(written(run, step), step)


def names(run):
    return [path.name for path in run.complete_checkpoints()]


# --- published, found, deleted ---------------------------------------------------------------------------


def test_a_published_checkpoint_has_its_name_and_its_mark(run):
    source = written(run, 50)
    final = run.publish_checkpoint(source, 50)
    assert final == run.checkpoints / "step-000050"
    weights = {"bytes": 7, "sha256": hashlib.sha256(b"weights").hexdigest()}
    assert json.loads((final / COMPLETE).read_text()) == {"step": 50, "files": {"adapter_model.safetensors": weights}}
    assert (final / "adapter_model.safetensors").read_text() == "weights"
    assert not source.exists()


def test_a_step_that_is_taken_again_replaces_its_checkpoint(run):
    published(run, 50)
    run.publish_checkpoint(written(run, 50, text="newer"), 50)
    assert (run.checkpoint(50) / "adapter_model.safetensors").read_text() == "newer"
    assert names(run) == ["step-000050"]


CONFIG = RunConfig()


def resumable(run, *steps):
    """Publish checkpoints with every file that a run needs to go on."""
    for step in steps:
        folder = written(run, step)
        for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json", "tokenizer.json"):
            (folder / name).write_text(f"{name} of step {step}")
        run.publish_checkpoint(folder, step)


def test_the_newest_is_by_number_and_never_half_written(run):
    """Of six folders three count: a million follows 999999, although it sorts before it as text."""
    resumable(run, 2, 1_000_000, 999_999)
    written(run, 2_000_000)
    shutil.copytree(run.checkpoint(2), run.checkpoints / "step-1500000.bak")
    run.checkpoint(1_200_000).mkdir()
    assert names(run) == ["step-000002", "step-999999", "step-1000000"]
    assert newest_checkpoint(run, CONFIG) == (run.checkpoint(1_000_000), [])


def test_no_complete_checkpoint_says_how_to_start_anew_with_the_runs_plugins(run):
    written(run, 50)
    plugin = run.path / "plugins" / "00-my rewards.py"
    plugin.parent.mkdir()
    plugin.touch()
    with pytest.raises(ConfigError, match="no complete checkpoint") as caught:
        newest_checkpoint(run, CONFIG)
    assert caught.value.hint == f"start anew with `leanrl train -p {run.config} --plugin '{plugin}'`"


@pytest.mark.parametrize("name", ["optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"])
@pytest.mark.parametrize("mark", ["hashes", "a step"], ids=["hashed", "of-0.1.0"])
def test_a_checkpoint_without_a_file_that_a_run_needs_is_passed_over_by_name(run, name, mark):
    resumable(run, 1, 2)
    (run.checkpoint(2) / name).unlink()
    if mark == "a step":
        for step in (1, 2):
            make_old(run.checkpoint(step), step)
    found, (told,) = newest_checkpoint(run, CONFIG)
    assert found == run.checkpoint(1)
    assert f"{run.checkpoint(2)}: damaged: {name} is not there; step-000001 is taken" in told


def make_old(checkpoint, step):
    """Leave COMPLETE as leanrl 0.1.0 wrote it, and files whose form is right."""
    (checkpoint / COMPLETE).write_text(f"{step}\n")
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth"):
        if (checkpoint / name).exists():
            torch.save({}, checkpoint / name)
    for name in ("trainer_state.json", "tokenizer.json"):
        if (checkpoint / name).exists():
            (checkpoint / name).write_text("{}")
    save_file({"a": torch.zeros(2)}, checkpoint / "adapter_model.safetensors")


def of_ranks(number):
    """A run of an adapter with so many ranks."""
    hardware = {"device": "cpu", "num_gpus": 0, "num_cpu_ranks": number}
    return RunConfig.model_validate({"hardware": hardware, "model": {"tuning": {"method": "lora"}}})


@pytest.mark.parametrize("mark", ["hashes", "a step"], ids=["hashed", "of-0.1.0"])
def test_ranks_need_the_random_state_of_each(run, mark):
    """Of the two that saved one is lost; another number of ranks needs none of them."""
    folder = written(run, 1)
    for name in ("optimizer.pt", "scheduler.pt", "rng_state_0.pth", "rng_state_1.pth", "trainer_state.json"):
        torch.save({}, folder / name) if name.endswith("pth") else (folder / name).write_text("{}")
    run.publish_checkpoint(folder, 1)
    if mark == "a step":
        make_old(run.checkpoint(1), 1)
    assert [resume_damage(run.checkpoint(1), of_ranks(number)) for number in (1, 2, 3)] == [[], [], []]
    (run.checkpoint(1) / "rng_state_1.pth").unlink()
    assert resume_damage(run.checkpoint(1), of_ranks(2)) == ["rng_state_1.pth is not there"]


def test_files_that_a_resumed_run_does_not_read_may_be_damaged(run):
    resumable(run, 1)
    (run.checkpoint(1) / "tokenizer.json").write_text("")
    assert newest_checkpoint(run, CONFIG) == (run.checkpoint(1), [])


def test_no_whole_checkpoint_names_what_is_wrong_with_each(run):
    resumable(run, 1, 2)
    (run.checkpoint(1) / "optimizer.pt").unlink()
    (run.checkpoint(2) / "scheduler.pt").write_text("")
    with pytest.raises(ConfigError, match="has no checkpoint that is whole") as caught:
        newest_checkpoint(run, CONFIG)
    assert "step-000001: damaged: optimizer.pt is not there" in caught.value.message
    assert "step-000002: damaged: scheduler.pt has 0 bytes, and had 22 when it was saved" in caught.value.message


def test_old_checkpoints_and_what_a_kill_left_are_deleted(run):
    published(run, 10, 20, 30)
    written(run, 40)
    run.drop_old_checkpoints(keep_last=2, step=30)
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["step-000020", "step-000030"]


def test_a_damaged_checkpoint_further_on_does_not_push_out_one_that_is_whole(run):
    """The run went on from step 20: what lies beyond counts for nothing, and 30 will be replaced."""
    published(run, 10, 20, 30, 40)
    run.drop_old_checkpoints(keep_last=2, step=21)
    assert names(run) == ["step-000010", "step-000020", "step-000030", "step-000040"]


def test_what_a_kill_leaves_of_a_deleted_checkpoint_is_none(run, monkeypatch):
    published(run, 10, 20)

    def killed(folder, **_):
        if Path(folder).exists():
            raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        run.drop_old_checkpoints(keep_last=1, step=20)
    assert list(run.partial_checkpoints.rglob("adapter_model.safetensors"))
    assert sorted(run.checkpoints.glob("step-*")) == [run.checkpoint(20)]
    monkeypatch.undo()
    run.drop_old_checkpoints(keep_last=1, step=20)
    assert sorted(run.checkpoints.iterdir()) == [run.checkpoint(20)]


def test_everything_of_a_checkpoint_is_on_disk_before_it_has_its_name(run, monkeypatch):
    """Every file, COMPLETE after them, then the names in the folder, before the rename; the parent after it."""
    folder = written(run, 50)
    calls = []
    replace = os.replace
    monkeypatch.setattr(os, "fsync", lambda number: calls.append(Path(f"/proc/self/fd/{number}").resolve().name))
    monkeypatch.setattr(os, "replace", lambda *paths: (calls.append("renamed"), replace(*paths)))
    run.publish_checkpoint(folder, 50)
    assert calls == ["adapter_model.safetensors", COMPLETE, "checkpoint-50", "renamed", "checkpoints"]


def test_a_run_keeps_the_last_two_and_nothing_half_written(tiny_model, tmp_path):
    config = small_config(tiny_model, train={"max_steps": 3})
    trainer, *_ = small_trainer(config, tmp_path / "run", listener=Notes())
    trainer.train()
    run = RunFolder(tmp_path / "run")
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["step-000002", "step-000003"]
    kept = {path.name for path in run.checkpoint(3).iterdir()}
    assert {"adapter_model.safetensors", "optimizer.pt", "trainer_state.json", "tokenizer.json", COMPLETE} <= kept
    assert "README.md" not in kept


# --- metrics of steps that are taken again ---------------------------------------------------------------


def test_rewinding_drops_later_steps_and_a_line_cut_short(run):
    lines = [json.dumps({"step": step, "note": "zwölf\u2028"}, ensure_ascii=False) for step in (1, 2, 3)]
    run.metrics.write_bytes("\n".join([*lines, lines[0][:-6]]).encode()[:-1])
    rewind(run, step=2)
    assert run.metrics.read_text(encoding="utf-8") == f"{lines[0]}\n{lines[1]}\n"


def test_rewinding_removes_what_a_kill_left_of_a_checkpoint(run):
    """safetensors writes into a file of another name first, which a kill leaves behind."""
    published(run, 2)
    (written(run, 4) / ".tmpAb12Cd").write_bytes(b"half")
    rewind(run, step=2)
    assert [path.name for path in run.checkpoints.iterdir()] == ["step-000002"]


def test_rewinding_a_run_without_metrics_does_nothing(run):
    rewind(run, step=2)
    assert not run.metrics.exists()


# --- room ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("optimizer", "dtype", "expected"),
    [
        ("adamw", torch.float32, 1200),  # 4 + two moments of 4
        ("adamw", torch.bfloat16, 600),  # torch keeps moments in the weight's dtype
        ("adamw_8bit", torch.bfloat16, 403),  # 2 + 2.03
        ("adamw_8bit_paged", torch.float32, 603),
        ("adamw_offloaded", torch.float32, 1200),
        ("adamw_offloaded", torch.bfloat16, 1400),  # 2 + two moments and a master of 4
    ],
)
def test_a_checkpoint_holds_trained_weights_and_the_optimizers_state(optimizer, dtype, expected):
    """Of 100 trained weights; 25 frozen ones nothing, and 32 MiB for the rest."""
    model = nn.ModuleList([nn.Linear(10, 10, bias=False), nn.Linear(5, 5, bias=False)]).to(dtype)
    model[1].requires_grad_(False)
    config = small_config("model", optimizer={"name": optimizer})
    assert checkpoint_bytes(model, config) == 32 * 2**20 + expected


def test_a_checkpoint_within_a_rollout_holds_its_completions(tmp_path):
    """2 prompts x 4 completions of 100 prompt tokens in 4 bytes and 8 completion tokens in 24."""
    model = nn.Linear(1, 1, bias=False)
    rollout = {"max_prompt_tokens": 100, "max_completion_tokens": 8}
    once = small_config("model", rollout=rollout)
    twice = small_config("model", rollout=rollout, algorithm={"num_iterations": 2})
    assert checkpoint_bytes(model, twice) - checkpoint_bytes(model, once) == 8 * (100 * 4 + 8 * 24)


def test_a_reference_that_is_reset_is_saved_as_it_is():
    """100 trained weights with two moments each, and 125 of the reference, of four bytes all."""
    model, reference = nn.Linear(10, 10, bias=False), nn.Linear(25, 5, bias=False)
    assert checkpoint_bytes(model, small_config("model"), reference=reference) == 32 * 2**20 + 1200 + 500


def free_bytes(monkeypatch, free):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(100 * 2**30, 100 * 2**30 - free, free))


def test_room_for_one_more_than_are_kept(run, monkeypatch):
    """Three kept and one being written: 4 x 1 GiB."""
    free_bytes(monkeypatch, 4 * 2**30)
    require_disk_space(run, needed_bytes=2**30, keep_last=3)
    free_bytes(monkeypatch, 4 * 2**30 - 1)
    with pytest.raises(DoesNotFitError) as caught:
        require_disk_space(run, needed_bytes=2**30, keep_last=3)
    assert caught.value.message == (f"checkpoints need 4.0 GiB (4 of 1.00 GiB), but {run.path} has 4.0 GiB free.")
    assert "--run-dir" in caught.value.hint


def test_room_for_the_best_besides(run, monkeypatch):
    """Three kept, two of the best, and one being written: 6 x 1 GiB."""
    free_bytes(monkeypatch, 6 * 2**30)
    require_disk_space(run, needed_bytes=2**30, keep_last=3, keep_best=2)
    free_bytes(monkeypatch, 6 * 2**30 - 1)
    with pytest.raises(DoesNotFitError, match=r"checkpoints need 6.0 GiB \(6 of 1.00 GiB\)") as caught:
        require_disk_space(run, needed_bytes=2**30, keep_last=3, keep_best=2)
    assert "-s checkpoints.keep_last=1 -s checkpoints.keep_best=0" in caught.value.hint


class _FullDisk(TrainerCallback):
    """Before the second step, makes one file of its checkpoint lead to a device that is always full."""

    def __init__(self, trainer, name):
        self.run, self.publishing, self.name = trainer.run, trainer.publishing, name

    def on_step_begin(self, args, state, control, **_):
        if state.global_step == 1:
            self.publishing.wait()  # it clears the folder of unfinished checkpoints
            folder = self.run.partial_checkpoints / "checkpoint-2"
            folder.mkdir(parents=True)
            (folder / self.name).symlink_to("/dev/full")


# Written by torch, by tokenizers (Rust) and by Python.
@pytest.mark.parametrize("name", ["optimizer.pt", "tokenizer.json", "trainer_state.json"])
def test_a_disk_that_fills_up_stops_the_run_and_leaves_the_checkpoint_before(tiny_model, tmp_path, name):
    run = RunFolder(tmp_path / "run")
    trainer, _, signals = small_trainer(small_config(tiny_model), run.path, listener=Notes())
    trainer.add_callback(_FullDisk(trainer, name))
    with pytest.raises(StoppedError) as caught:
        trainer.train()
    signals.restore()
    assert caught.value.exit_code == 6
    assert str(run.checkpoints) in caught.value.message
    assert "checkpoint of step 2" in caught.value.message
    assert caught.value.message.endswith("The newest complete one is step-000001.")
    assert caught.value.hint.endswith(f"then `leanrl train --resume {run.path}`")
    assert [path.name for path in run.checkpoints.iterdir()] == ["step-000001"]
    assert names(run) == ["step-000001"]


def test_without_an_earlier_checkpoint_a_full_disk_means_starting_anew(run, monkeypatch):
    free_bytes(monkeypatch, 2**28)
    written(run, 5)
    error = stop_for_full_disk(run, step=5, needed_bytes=2**30)
    assert error.message == (
        f"the disk is full: the checkpoint of step 5 needs 1.00 GiB in {run.checkpoints}, which has 0.25 GiB free. "
        "No earlier one is complete."
    )
    assert error.hint == f"free 1.00 GiB there, then start anew with `leanrl train -p {run.config}`"
    assert not run.partial_checkpoints.exists()


def _caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(28, "No space left on device"), True),
        (OSError(122, "Disk quota exceeded"), True),
        (SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"), True),
        (_caused(RuntimeError("saving failed"), OSError(28, "No space left on device")), True),
        (PermissionError(13, "Permission denied"), False),
        (RuntimeError("CUDA error: device-side assert triggered"), False),
    ],
)
def test_what_counts_as_a_full_disk(error, expected):
    assert is_full_disk(error) is expected


def test_another_error_of_saving_is_not_hidden(tiny_model, tmp_path):
    trainer, _, signals = small_trainer(small_config(tiny_model), tmp_path / "run", listener=Notes())
    state = RunFolder(tmp_path / "run").partial_checkpoints / "checkpoint-1" / "trainer_state.json"
    state.mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        trainer.train()
    signals.restore()
