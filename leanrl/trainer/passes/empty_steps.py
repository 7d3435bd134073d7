"""Steps for which no row was kept: skipped, counted, and after too many in a row the run stops."""

from torch import nn

from leanrl.errors import StoppedError
from leanrl.hints import command
from leanrl.storage.run_folder import RunFolder


class EmptySteps:
    """Counts the steps in a row that had nothing to train on.

    Args:
        run: named in the message.
        max_in_a_row: at which the run is to stop.
    """

    def __init__(self, run: RunFolder, *, max_in_a_row: int) -> None:
        self.run = run
        self.max_in_a_row = max_in_a_row
        self.in_a_row = 0

    @property
    def are_too_many(self) -> bool:
        return self.in_a_row >= self.max_in_a_row

    def count(self, model: nn.Module, *, is_empty: bool) -> None:
        """Count a step; one without rows leaves no gradient, so that the optimizer changes nothing."""
        self.in_a_row = self.in_a_row + 1 if is_empty else 0
        if is_empty:
            model.zero_grad(set_to_none=True)

    def require_few(self) -> None:
        """Raise if the limit is reached; a checkpoint is written by then.

        Raises:
            StoppedError: naming the checkpoint and the keys that keep more rows.
        """
        if self.are_too_many:
            raise StoppedError(
                f"algorithm.keep_rows kept no row in {self.in_a_row} steps in a row, so that none of them trained "
                f"anything; {self.run.complete_checkpoints()[-1].name} is saved. The problems are all too easy or all "
                "too hard for the model.",
                hint=f"`{command('report', self.run.path)}` shows the pass rate of each problem; "
                f"train on others, or go on with `{command('train', '--resume', self.run.path)}`",
            )
