"""How long a server has sent nothing to anybody who waits for it."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
_TOLD_AFTER_SECONDS = 60.0


class SilentError(Exception):
    """The server sent nothing for the whole limit; `was_heard` while this request waited, by it or by another one."""

    def __init__(self, *, was_heard: bool) -> None:
        super().__init__("silence")
        self.was_heard = was_heard


class Silence:
    """Ends requests to a server that sends nothing.

    A server that answers one request lives, and others may wait in its queue: so its silence is that of all requests
    together, and a completion may take hours.

    Args:
        limit_seconds: the longest silence.
        tell: hears of a silence of a minute, that many seconds, where the limit is longer.
    """

    def __init__(self, limit_seconds: float, *, tell: Callable[[float], None]) -> None:
        self._limit_seconds = limit_seconds
        self._tell = tell
        self._heard_at = float("-inf")

    def heard(self) -> None:
        """Note that the server has sent a piece of an answer."""
        self._heard_at = time.monotonic()

    async def bound(self, answering: Coroutine[Any, Any, T]) -> T:
        """Return what a request comes to.

        Raises:
            SilentError: where the server has been silent too long since the request was sent.
        """
        asked_at = time.monotonic()
        task = asyncio.ensure_future(answering)
        try:
            while not task.done():
                silent_seconds = time.monotonic() - max(asked_at, self._heard_at)
                if silent_seconds >= self._limit_seconds:
                    raise SilentError(was_heard=self._heard_at > asked_at)
                await asyncio.wait({task}, timeout=self._until_next(silent_seconds))
            return task.result()
        finally:
            task.cancel()

    def _until_next(self, silent_seconds: float) -> float:
        """Return the seconds until the silence has to be told, or is too long."""
        if self._limit_seconds <= _TOLD_AFTER_SECONDS:
            return self._limit_seconds - silent_seconds
        if silent_seconds < _TOLD_AFTER_SECONDS:
            return _TOLD_AFTER_SECONDS - silent_seconds
        self._tell(_TOLD_AFTER_SECONDS)
        return self._limit_seconds - silent_seconds
