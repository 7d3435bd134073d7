"""The publishing of a trainer's checkpoints, put together."""

from typing import Any

from leanrl.trainer.checkpoints.hub import CheckpointUploads
from leanrl.trainer.checkpoints.publishing import Publishing


def open_publishing(trainer: Any, uploads: CheckpointUploads | None) -> Publishing:
    """Return what makes checkpoints of a trainer's folders; `uploads` sends complete ones to the Hub."""
    kept = trainer.lean_config.checkpoints
    return Publishing(
        trainer.run,
        kept.keep_last,
        uploads,
        [trainer.budget.save],
        keep_best=kept.keep_best,
        in_background=kept.in_background,
    )
