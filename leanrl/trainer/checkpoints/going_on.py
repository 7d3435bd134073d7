"""A trainer that goes on from a checkpoint, and one that leaves one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from transformers import TrainingArguments, set_seed
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_callback import TrainerState

from leanrl.storage.checkpoint_files import random_states
from leanrl.storage.rollbacks import learning_rate_factor
from leanrl.trainer.checkpoints.restore import check_optimizer
from leanrl.trainer.watch.learning_rate import set_peak


def train_from(trainer: Any, checkpoint: Path | None) -> None:
    """Train to the end, from the start or from a checkpoint; one of the last step is only loaded.

    transformers takes one step too many when it resumes at `max_steps`.

    Raises:
        StoppedError: if too many steps in a row were not finite or had no rows, or one completion does not fit.
    """
    try:
        if checkpoint is None:
            trainer.train()
        else:
            _go_on(trainer, checkpoint)
    finally:
        trainer.publishing.wait()
    trainer.skipped.require_few()


def _go_on(trainer: Any, checkpoint: Path) -> None:
    load_budgets(trainer, checkpoint)
    step = saved_state(checkpoint).global_step
    if step >= trainer.args.max_steps:
        load_only(trainer, checkpoint)
        trainer.begin_run()
        return
    trainer.load_steps(checkpoint, step)
    trainer.train(resume_from_checkpoint=str(checkpoint))


def load_only(trainer: Any, checkpoint: Path) -> None:
    """Give a trainer the weights and the step of a checkpoint, and train nothing."""
    trainer._load_from_checkpoint(str(checkpoint))
    trainer.state = saved_state(checkpoint)


def saved_state(checkpoint: Path) -> TrainerState:
    """Return what transformers' loop kept of itself in a checkpoint."""
    return TrainerState.load_from_json(str(checkpoint / TRAINER_STATE_NAME))


def load_budgets(trainer: Any, checkpoint: Path) -> None:
    """Give a trainer the token budget of a checkpoint, or a smaller one that a step behind it has found."""
    for folder in (checkpoint, *trainer.run.token_budgets()):
        trainer.budget.load(folder)


def seed_unless_saved(arguments: TrainingArguments, checkpoint: Path, step: int) -> None:
    """Seed a rank whose random state is in no file of a checkpoint, since another number of ranks wrote it.

    With the run's own seed it would draw the numbers of the first steps again, and every rank the same ones.
    """
    rank = arguments.process_index
    if not (checkpoint / random_states(arguments.world_size)[rank]).is_file():
        set_seed(Random(f"{arguments.seed}/{step}/{rank}").getrandbits(32))


def settle_optimizer(trainer: Any, checkpoint: Path) -> None:
    """Compare the state of the optimizer with its file, and give it the peak rate that rollbacks have left.

    Raises:
        ConfigError: naming what differs.
    """
    check_optimizer(trainer.optimizer, checkpoint)
    factor = learning_rate_factor(trainer.run)
    if factor != 1.0:
        set_peak(trainer.optimizer, trainer.lr_scheduler, factor * trainer.lean_config.optimizer.learning_rate)


@contextmanager
def published(trainer: Any) -> Iterator[None]:
    """Publish the checkpoint of this step that is written within, when the one before it is on the disk.

    Raises:
        StoppedError: if the disk is full; what was complete before stays.
    """
    step, publishing, accelerator = trainer.state.global_step, trainer.publishing, trainer.accelerator
    needed_bytes = trainer.saved_bytes
    with trainer.meter.phase("save"):
        publishing.wait()
        accelerator.wait_for_everyone()
        with publishing.stopping_at_a_full_disk(step, needed_bytes=needed_bytes):
            yield
            trainer.save_own_part(trainer.run.partial_checkpoints / f"checkpoint-{step}")
            accelerator.wait_for_everyone()
            if accelerator.is_main_process:
                publishing.add_own_files(step)
        if accelerator.is_main_process:
            publishing.publish(step, needed_bytes=needed_bytes)
    accelerator.wait_for_everyone()
