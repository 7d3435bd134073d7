"""Publishing: a checkpoint that TRL has written gets leanrl's own files and its name, and is sent off.

Writing fills the page cache and returns. What waits for the disk (flush, hash, rename) may run beside the next steps:
files no longer change, and a checkpoint that is killed before its rename is none.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from leanrl.errors import StoppedError
from leanrl.hints import command, quoted
from leanrl.storage.evaluations import best_checkpoints
from leanrl.storage.run_folder import RunFolder
from leanrl.trainer.checkpoints.background import Background
from leanrl.trainer.checkpoints.hub import CheckpointUploads
from leanrl.trainer.checkpoints.upkeep import is_full_disk, stop_for_full_disk

# A checkpoint of 100 GB flushes in this time at 60 MB/s; a disk that needs longer has failed, or its server is gone.
_LONGEST_SECONDS = 1800.0


@dataclass(frozen=True)
class Publishing:
    """Turns the folders that TRL writes into checkpoints of a run.

    Args:
        run: the run folder that receives them.
        keep_last: how many of the newest ones stay.
        keep_best: how many stay besides because they evaluated best.
        uploads: what sends complete checkpoints to the Hub; None sends nothing.
        own_files: each adds what leanrl goes on with to the folder of a checkpoint.
        keeps: each says of a step, when its checkpoint is published, which others stay besides.
        in_background: whether training goes on while a checkpoint is flushed, hashed and renamed.
    """

    run: RunFolder
    keep_last: int
    uploads: CheckpointUploads | None
    own_files: list[Callable[[Path], None]] = field(default_factory=list)
    keep_best: int = 0
    keeps: list[Callable[[int], Callable[[], Collection[Path]]]] = field(default_factory=list)
    in_background: bool = False
    _background: Background = field(default_factory=lambda: Background("checkpoint"), init=False)

    def publish(self, step: int, *, needed_bytes: Callable[[], int] = lambda: 0) -> None:
        """Mark the checkpoint of a step complete, give it its name and send it off; old ones are removed.

        Raises:
            StoppedError: if the disk is full; in the background, `wait` raises it.
        """
        self.wait()
        kept = [of_step(step) for of_step in self.keeps]
        self._background.begin(partial(self._end, step, kept, needed_bytes=needed_bytes))
        if not self.in_background:
            self.wait()

    def add_own_files(self, step: int) -> None:
        """Complete what TRL has written of a step with what leanrl goes on with."""
        written = self._written(step)
        (written / "README.md").unlink(missing_ok=True)  # PEFT's empty model card
        for add in self.own_files:
            add(written)
        if self.uploads is not None:
            self.uploads.name_base(written)

    def wait(self) -> None:
        """Return when no checkpoint is on its way to the disk.

        Raises:
            StoppedError: if the last one found the disk full, or has not arrived in half an hour.
        """
        if self._background.wait(_LONGEST_SECONDS):
            return
        raise StoppedError(
            f"a checkpoint is not on the disk of {self.run.checkpoints} after {_LONGEST_SECONDS / 60:.0f} minutes.",
            hint=f"`df -h {quoted(self.run.path)}` shows whether the disk answers; then "
            f"`{command('train', '--resume', self.run.path)}`",
        )

    def has(self, step: int) -> bool:
        """Return whether the checkpoint of a step is complete; one that is on its way is waited for."""
        self.wait()
        return self.run.checkpoint(step) in self.run.complete_checkpoints()

    def close(self) -> None:
        """Return when the last checkpoint is on the disk and, where it is sent, on the Hub."""
        self.wait()
        if self.uploads is not None:
            self.uploads.close()

    def _end(
        self,
        step: int,
        kept: Collection[Callable[[], Collection[Path]]],
        *,
        needed_bytes: Callable[[], int],
    ) -> None:
        with self.stopping_at_a_full_disk(step, needed_bytes=needed_bytes):
            checkpoint = self.run.publish_checkpoint(self._written(step), step)
            if self.uploads is not None:
                self.uploads.push(checkpoint, step=step)
            best = best_checkpoints(self.run)[: self.keep_best] if self.keep_best else []
            others = [path for named in kept for path in named()]
            self.run.drop_old_checkpoints(self.keep_last, step=step, kept=[*best, *others])

    def _written(self, step: int) -> Path:
        return self.run.partial_checkpoints / f"checkpoint-{step}"

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
