"""Progress on a terminal: a bar under the step lines; plain lines anywhere else."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from leanrl.report.progress import PlainListener, step_line
from leanrl.types import Listener


@contextmanager
def listening() -> Iterator[Listener]:
    """Give a listener with a bar where stderr is a terminal, and one that prints plain lines elsewhere."""
    if not sys.stderr.isatty():
        yield PlainListener()
        return
    listener = BarListener()
    try:
        yield listener
    finally:
        listener.close()


class BarListener:
    """Keeps one bar at the bottom of the terminal; everything said scrolls above it."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._seconds: list[float] = []
        self._console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._progress.add_task("steps", total=None)

    def say(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)

    def warn(self, text: str) -> None:
        self._console.print(f"warning: {text}", style="yellow", markup=False, soft_wrap=True)

    def step(self, metrics: Mapping[str, Any], *, max_steps: int) -> None:
        self._seconds.append(metrics["seconds"]["step"])
        self._progress.start()
        self._progress.update(self._task, completed=metrics["step"], total=max_steps)
        self.say(step_line(metrics, max_steps=max_steps, step_seconds=self._seconds))
        if metrics["step"] == max_steps:
            self.close()

    def close(self) -> None:
        """Take the bar away and give the cursor back; a second call does nothing."""
        self._progress.stop()
