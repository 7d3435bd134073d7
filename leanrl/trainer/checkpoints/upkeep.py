"""Checkpoints of a run: room for them, what to do without it, and the one to go on from."""

import errno
import shutil
from functools import partial
from pathlib import Path

from torch import nn

from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError, DoesNotFitError, StoppedError
from leanrl.hints import command
from leanrl.storage.checkpoint_files import find_damage, missing_to_resume, newest_whole, ranks_that_saved, to_resume
from leanrl.storage.run_folder import RunFolder, read_json_if_whole, step_of
from leanrl.storage.step_lines import keep_up_to

# Two moments of one byte and their scales, four bytes for 256.
_8BIT_BYTES_PER_WEIGHT = 2 * (1 + 4 / 256)
# Of an unfinished rollout: an id, up to four fp32 numbers, and four characters of text.
_BYTES_PER_COMPLETION_TOKEN = 4 + 4 * 4 + 4
# Tokenizer, trainer state and random state; a tokenizer of 152 k entries takes about 11 MiB.
_FIXED_BYTES = 32 * 2**20
# A full disk or quota in the words of those who give no errno: safetensors and tokenizers (Rust), and torch's
# zip writer, which only knows that its stream broke (caffe2/serialize/inline_container.cc).
_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)
_FULL_WORDS = (*(f"(os error {number})" for number in _FULL_ERRNOS), "iostream error", "inline_container.cc")


def checkpoint_bytes(model: nn.Module, config: RunConfig, *, reference: nn.Module | None = None) -> int:
    """Return what one checkpoint takes on disk: trained weights, state of the optimizer, a rollout in hand.

    A frozen adapter is saved with the trained one, and a `reference` of all weights where it is reset now and then.
    """
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    frozen = [one for name, one in model.named_parameters() if ".lora_" in name and not one.requires_grad]
    frozen += [] if reference is None else list(reference.parameters())
    optimizer = config.optimizer.name
    return (
        _FIXED_BYTES
        + _rollout_bytes(config)
        + sum(weight.nbytes for weight in frozen)
        + sum(
            int(weight.numel() * (weight.element_size() + _state_bytes(optimizer, weight.element_size())))
            for weight in trained
        )
    )


def _rollout_bytes(config: RunConfig) -> int:
    """Return the most that the rows of a rollout take which is not used up."""
    if config.steps_per_save == config.steps_per_rollout:
        return 0
    rollout = config.rollout
    per_row = 4 * rollout.max_prompt_tokens + _BYTES_PER_COMPLETION_TOKEN * rollout.max_completion_tokens
    return config.completions_per_rollout * per_row


def _state_bytes(optimizer: str, weight_bytes: int) -> float:
    if optimizer.startswith("adamw_8bit"):
        return _8BIT_BYTES_PER_WEIGHT
    if optimizer == "adamw_offloaded":
        return 8 if weight_bytes == 4 else 12  # two fp32 moments, and masters of 16-bit weights
    return 2 * weight_bytes


def require_disk_space(run: RunFolder, *, needed_bytes: int, keep_last: int, keep_best: int = 0) -> None:
    """Refuse a run whose checkpoints the disk cannot hold.

    One more than `keep_last` and `keep_best` exist while a new one is written.

    Raises:
        DoesNotFitError: with both sizes.
    """
    num_checkpoints = keep_last + keep_best + 1
    total = needed_bytes * num_checkpoints
    free = shutil.disk_usage(run.path).free
    if free < total:
        raise DoesNotFitError(
            f"checkpoints need {total / 2**30:.1f} GiB ({num_checkpoints} of {needed_bytes / 2**30:.2f} GiB), but "
            f"{run.path} has {free / 2**30:.1f} GiB free.",
            hint="name a larger disk with `--run-dir`, or keep fewer with -s checkpoints.keep_last=1"
            + (" -s checkpoints.keep_best=0" if keep_best else ""),
        )


def is_full_disk(error: BaseException | None) -> bool:
    """Return whether an error of saving, or one that it came from, says that the disk took no more."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL_ERRNOS:
            return True
        if any(words in str(error) for words in _FULL_WORDS):
            return True
        error = error.__cause__ or error.__context__
    return False


def stop_for_full_disk(run: RunFolder, *, step: int, needed_bytes: int) -> StoppedError:
    """Remove the checkpoint that did not fit, and return the error that ends the run."""
    shutil.rmtree(run.partial_checkpoints, ignore_errors=True)
    free = shutil.disk_usage(run.path).free
    complete = run.complete_checkpoints()
    kept = f"The newest complete one is {complete[-1].name}." if complete else "No earlier one is complete."
    go_on = f"`{command('train', '--resume', run.path)}`" if complete else f"start anew with `{run.start_anew()}`"
    return StoppedError(
        f"the disk is full: the checkpoint of step {step} needs {_gib(needed_bytes)} in {run.checkpoints}, which has "
        f"{_gib(free)} free. {kept}",
        hint=f"free {_gib(needed_bytes)} there, then {go_on}",
    )


def newest_checkpoint(run: RunFolder, config: RunConfig) -> tuple[Path, list[str]]:
    """Return the newest checkpoint that can be resumed, and one line on each newer one that is damaged.

    Raises:
        ConfigError: if there is none, naming what is wrong with each.
    """
    checkpoints = run.complete_checkpoints()
    hint = f"start anew with `{run.start_anew()}`"
    if not checkpoints:
        raise ConfigError(f"{run.path} has no complete checkpoint to go on from.", hint=hint)
    return newest_whole(checkpoints, partial(resume_damage, config=config), where=run.path, hint=hint)


def resume_damage(checkpoint: Path, config: RunConfig) -> list[str]:
    """Return what keeps a run from going on from a checkpoint: files that are missing, cut or changed."""
    need = partial(to_resume, from_adapter=config.model.tuning.start_adapter is not None)
    damage = find_damage(checkpoint, need)
    lacking = missing_to_resume(checkpoint, num_ranks=config.num_train_ranks, shares_weights=config.shares_weights)
    told = " ".join(damage)
    num_saved = ranks_that_saved({file.name for file in checkpoint.iterdir()})
    why = f" ({_ranks(num_saved)} saved, {_ranks(config.num_train_ranks)} would go on: the number is in config.json)"
    said = why if num_saved not in (0, config.num_train_ranks) else ""
    return damage + [f"{name} is not there{said}" for name in lacking if name not in told]


def _ranks(number: int) -> str:
    return f"{number} rank{'s' if number > 1 else ''}"


def resumable_checkpoint(run: RunFolder, config: RunConfig) -> tuple[Path, list[str]]:
    """Return the newest whole checkpoint and the lines of `newest_checkpoint`.

    One of the last step still has the run's end to do.

    Raises:
        ConfigError: if there is none, or the run is finished.
    """
    checkpoint, passed_over = newest_checkpoint(run, config)
    step, max_steps = step_of(checkpoint), config.train.max_steps
    if max_steps is not None and step >= max_steps and read_json_if_whole(run.summary).get("status") == "finished":
        raise ConfigError(
            f"{run.path} is finished: its checkpoint stands at step {step} of {max_steps}.",
            hint=f"`{command('report', run.path)}` shows it; "
            f"`{command('merge', run.path, '--out', 'DIR')}` takes the model out",
        )
    return checkpoint, passed_over


def rewind(run: RunFolder, *, step: int) -> None:
    """Drop the metrics of steps after `step`, a line cut short, and what a kill has left of a checkpoint.

    The resumed run takes those steps again, and writes the checkpoint into the same folder.
    """
    shutil.rmtree(run.partial_checkpoints, ignore_errors=True)
    keep_up_to(run.metrics, step=step)


def _gib(num_bytes: int) -> str:
    return f"{num_bytes / 2**30:.2f} GiB"
