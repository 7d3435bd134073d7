"""Publishing: a checkpoint that TRL has written gets leanrl's own files and its name, and is sent off."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from leanrl.storage.evaluations import best_checkpoints
from leanrl.storage.run_folder import RunFolder
from leanrl.trainer.checkpoints.hub import CheckpointUploads
from leanrl.trainer.checkpoints.upkeep import is_full_disk, stop_for_full_disk


@dataclass(frozen=True)
class Publishing:
    """Turns the folders that TRL writes into checkpoints of a run.

    Args:
        run: the run folder that receives them.
        keep_last: how many of the newest ones stay.
        keep_best: how many stay besides because they evaluated best.
        uploads: what sends complete checkpoints to the Hub; None sends nothing.
        own_files: each adds what leanrl goes on with to the folder of a checkpoint.
        keeps: each names checkpoints that stay besides, when that of a step is published.
    """

    run: RunFolder
    keep_last: int
    uploads: CheckpointUploads | None
    own_files: list[Callable[[Path], None]] = field(default_factory=list)
    keep_best: int = 0
    keeps: list[Callable[[int], Collection[Path]]] = field(default_factory=list)

    def publish(self, step: int) -> None:
        """Mark the checkpoint of a step complete, give it its name and send it off; old ones are removed."""
        written = self.run.partial_checkpoints / f"checkpoint-{step}"
        (written / "README.md").unlink(missing_ok=True)  # PEFT's empty model card
        for add in self.own_files:
            add(written)
        if self.uploads is not None:
            self.uploads.name_base(written)
        checkpoint = self.run.publish_checkpoint(written, step)
        if self.uploads is not None:
            self.uploads.push(checkpoint, step=step)
        best = best_checkpoints(self.run)[: self.keep_best] if self.keep_best else []
        others = [path for named in self.keeps for path in named(step)]
        self.run.drop_old_checkpoints(self.keep_last, step=step, kept=[*best, *others])

    def has(self, step: int) -> bool:
        """Return whether the checkpoint of a step is complete."""
        return self.run.checkpoint(step) in self.run.complete_checkpoints()

    @contextmanager
    def stopping_at_a_full_disk(self, step: int, *, needed_bytes: Callable[[], int]) -> Iterator[None]:
        """End the run where the disk takes no more; what was complete before stays.

        Args:
            step: whose checkpoint is written within.
            needed_bytes: returns what it takes.

        Raises:
            StoppedError: with the room that is missing.
        """
        try:
            yield
        except Exception as error:
            if not is_full_disk(error):
                raise
            raise stop_for_full_disk(self.run, step=step, needed_bytes=needed_bytes()) from error
