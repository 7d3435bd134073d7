"""Where an evaluation stands: a bar on a terminal, a line now and then anywhere else."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from leanrl.report.progress import PlainListener, duration

if TYPE_CHECKING:
    from leanrl.eval.drawing.progress import Standing

_SECONDS_BETWEEN_LINES = 30.0


def standing_line(standing: "Standing", *, busy_share: float | None) -> str:
    """Return count, running score, speed, busy slots and time left as a line."""
    left = "" if standing.seconds_left is None else f", left {duration(standing.seconds_left)}"
    busy = "" if busy_share is None else f", {busy_share:.0%} of slots busy"
    return (
        f"{standing.num_drawn:,}/{standing.num_wanted:,} completions, {standing.accuracy:.1%} correct, "
        f"{standing.tokens_per_second:,.0f} tokens/s{busy}{left}"
    )


class PlainStandings(PlainListener):
    """Prints a line at most every half minute, and the last."""

    def __init__(self) -> None:
        super().__init__()
        self._said = time.monotonic()

    def stand(self, standing: "Standing", *, busy_share: float | None) -> None:
        is_last = standing.num_drawn == standing.num_wanted
        if is_last or time.monotonic() - self._said >= _SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            self.say(standing_line(standing, busy_share=busy_share))


class BarStandings:
    """Keeps one bar at the bottom of the terminal; everything said scrolls above it."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._console = Console(stderr=True, highlight=False)
        self._progress = Progress(BarColumn(), TextColumn("{task.description}"), console=self._console, transient=True)
        self._task: Any = None

    def say(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)

    def warn(self, text: str) -> None:
        self._console.print(f"warning: {text}", style="yellow", markup=False, soft_wrap=True)

    def stand(self, standing: "Standing", *, busy_share: float | None) -> None:
        line = standing_line(standing, busy_share=busy_share)
        if self._task is None:
            self._task = self._progress.add_task(line, total=standing.num_wanted)
            self._progress.start()
        self._progress.update(self._task, description=line, completed=standing.num_drawn)
        if standing.num_drawn == standing.num_wanted:
            self.close()
            self.say(line)

    def close(self) -> None:
        self._progress.stop()


@contextmanager
def listening() -> Iterator[PlainStandings | BarStandings]:
    """Give a listener with a bar where stderr is a terminal, and one that prints plain lines elsewhere."""
    if not sys.stderr.isatty():
        yield PlainStandings()
        return
    listener = BarStandings()
    try:
        yield listener
    finally:
        listener.close()
