"""An installed Chromium, driven through its DevTools pipe with nothing but the standard library."""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_END = b"\0"
# Errors of the page: an exception, a call of console.error, and what the browser itself complains of.
_COMPLAINTS = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")


def find_chromium() -> str | None:
    """Return the program, or None where none is installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Tab:
    """One page of a browser: it opens addresses, runs JavaScript, and keeps what the page complained of."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._write, self._read = to_browser, from_browser
        self._number, self._pending, self._session = 0, b"", ""
        self._events: deque[dict[str, Any]] = deque()
        self.complaints: list[str] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return the browser's answer to a command of the DevTools protocol."""
        self._number += 1
        session = {"sessionId": self._session} if self._session else {}
        request = {"id": self._number, "method": method, "params": parameters, **session}
        os.write(self._write, json.dumps(request).encode() + _END)
        while True:
            message = self._next()
            if message.get("id") == self._number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result
            self._events.append(message)

    def open(self, address: str, *, width: int = 1200, height: int = 900) -> None:
        """Open an address and wait until it is loaded."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self._events.clear()
        self.ask("Page.navigate", url=address)
        while self._event()["method"] != "Page.loadEventFired":
            pass

    def run(self, script: str) -> Any:
        """Return the value of a JavaScript expression; the value of a promise once it is there."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def _event(self) -> dict[str, Any]:
        return self._events.popleft() if self._events else self._next()

    def _next(self) -> dict[str, Any]:
        while _END not in self._pending:
            read = os.read(self._read, 1 << 20)
            assert read, "the browser has ended"
            self._pending += read
        data, self._pending = self._pending.split(_END, 1)
        message: dict[str, Any] = json.loads(data)
        if message.get("method") in _COMPLAINTS and _is_complaint(message["params"]):
            self.complaints.append(json.dumps(message["params"]))
        return message


def _is_complaint(found: dict[str, Any]) -> bool:
    level = found.get("type") or found.get("entry", {}).get("level") or "error"
    return level in ("error", "warning", "assert")


@contextmanager
def chromium_tab() -> Iterator[Tab]:
    """Give a tab of a new headless browser with a profile of its own, and end the browser."""
    program = find_chromium()
    assert program is not None
    (there_read, to_browser), (from_browser, there_write) = _pipe(), _pipe()
    with tempfile.TemporaryDirectory(prefix="leanrl-chromium-") as profile:
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
        flags += ["--remote-debugging-pipe", f"--user-data-dir={profile}", "--disable-background-networking"]
        process = subprocess.Popen(
            ["bash", "-c", f'exec "$0" "$@" 3<&{there_read} 4>&{there_write}', program, *flags],
            pass_fds=(there_read, there_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": profile},
        )
        os.close(there_read)
        os.close(there_write)
        try:
            yield Tab(to_browser, from_browser)
        finally:
            process.terminate()
            process.wait(timeout=20)
            os.close(to_browser)
            os.close(from_browser)


def _pipe() -> tuple[int, int]:
    """Return a pipe beyond the numbers 3 and 4, which it becomes in the browser."""
    ends = os.pipe()
    moved = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in ends)
    for end in ends:
        os.close(end)
    return moved[0], moved[1]


def address_of(path: Path) -> str:
    return path.resolve().as_uri()
