"""The log of a run: everything that is said while it works, each line with its time."""

import errno
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from leanrl.errors import LeanRLError
from leanrl.report.progress import step_line
from leanrl.types import Listener

_NO_READER = (errno.EPIPE, errno.EIO)  # a pipe whose reader has ended, a terminal that is closed


class RunLog:
    """A listener that passes everything on and writes it to a file; what is said before there is one is kept for it.

    Each line is flushed, so that a kill loses none. A file that exists is gone on with. One that takes no more, as on a
    full disk, is warned of and left: what is said then must reach the user all the same. So it is the other way round:
    a run does not end because nobody reads it any more.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._kept: list[str] = []
        self._file: TextIO | None = None
        self._is_alone = False  # nobody listens any more
        self._step_seconds: list[float] = []

    def open(self, path: Path) -> None:
        """Write what was kept to the file, and all that follows."""
        kept, self._kept = self._kept, []
        try:
            self._file = path.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
        except OSError as error:
            self._warn_of(path, error)
            return
        self._put(self._file, kept)

    def close(self) -> None:
        """End the file; a second call does nothing."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # what a full disk did not take is tried again, and fails again
                file.close()

    def say(self, text: str) -> None:
        self._tell(partial(self._listener.say, text))
        self.write(text)

    def warn(self, text: str) -> None:
        self._tell(partial(self._listener.warn, text))
        self.write(f"warning: {text}")

    def step(self, metrics: Mapping[str, Any], *, max_steps: int) -> None:
        self._tell(partial(self._listener.step, metrics, max_steps=max_steps))
        self._step_seconds.append(metrics["seconds"]["step"])
        self.write(step_line(metrics, max_steps=max_steps, step_seconds=self._step_seconds))

    def write(self, text: str) -> None:
        """Write a text that is said elsewhere, one line for each of its own."""
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        lines = [f"{now} {line}\n" for line in text.splitlines()]
        if self._file is None:
            self._kept += lines
        else:
            self._put(self._file, lines)

    def _put(self, file: TextIO, lines: list[str]) -> None:
        try:
            file.writelines(lines)
        except OSError as error:
            self.close()
            self._warn_of(Path(file.name), error)

    def _warn_of(self, path: Path, error: OSError) -> None:
        warning = f"{path} cannot be written: {error.strerror}. The run goes on without its log."
        self._tell(partial(self._listener.warn, warning))

    def _tell(self, telling: Callable[[], None]) -> None:
        """Tell the listener, until its terminal is closed or whatever reads its output has ended."""
        if self._is_alone:
            return
        try:
            telling()
        except OSError as error:
            if error.errno not in _NO_READER:
                raise
            self._is_alone = True
            self.write(f"warning: nobody reads what the run says ({error.strerror}); it goes on, and says it here.")


@contextmanager
def logged(listener: Listener) -> Iterator[RunLog]:
    """Give the log of a run, and write to it what ends the run early."""
    log = RunLog(listener)
    try:
        yield log
    except LeanRLError as error:
        log.write(f"error: {error}")
        raise
    except BaseException:
        log.write(traceback.format_exc())
        raise
    finally:
        log.close()
