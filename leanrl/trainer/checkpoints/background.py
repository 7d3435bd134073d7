"""Background: one task at a time beside the training, in a thread, awaited within a deadline."""

import threading
from collections.abc import Callable


class Background:
    """Runs tasks one after another; what a task raises is raised by whoever waits for it.

    The thread does not keep the process: whoever needs the task to end waits for it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def begin(self, task: Callable[[], None]) -> None:
        """Start a task; the one before it has to be waited for."""
        assert self._thread is None, f"{self._name}: a task is begun before the last one was waited for"
        self._thread = threading.Thread(target=self._run, args=(task,), name=f"leanrl-{self._name}", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Return whether nothing runs any more, as soon as that is so or after so many seconds."""
        if self._thread is None:
            return True
        self._thread.join(seconds)
        if self._thread.is_alive():
            return False
        error, self._thread, self._error = self._error, None, None
        if error is not None:
            raise error
        return True

    def _run(self, task: Callable[[], None]) -> None:
        try:
            task()
        except BaseException as error:
            self._error = error
