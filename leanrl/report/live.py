"""The page of a run on 127.0.0.1 while it trains: written anew in memory when a file of the run has changed."""

import hashlib
import threading
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from leanrl.errors import ConfigError
from leanrl.hints import command
from leanrl.report.scores.choice import selection_files
from leanrl.storage.run_folder import RunFolder

HOST = "127.0.0.1"
# How often an open page asks for a newer one; a step of training seldom takes less.
_SECONDS_BETWEEN_LOOKS = 10
_PAGES = ("/", "/index.html")


# Returns the page of a run that looks for a newer one every so many seconds.
PageOf = Callable[[RunFolder, int], str]


def serve(run: RunFolder, page_of: PageOf, *, port: int, folder: Path, opened: Callable[[str], None]) -> None:
    """Serve the page of a run and the images of its report folder until Ctrl-C; `opened` is given the address.

    Port 0 takes a free one. Nothing is written, and no other file is served.

    Raises:
        ConfigError: another program has the port.
    """
    live = LivePage(run, page_of)
    try:
        server = ThreadingHTTPServer((HOST, port), partial(_Handler, live, folder))
    except OSError as error:
        raise ConfigError(
            f"port {port} of {HOST} cannot be opened: {error.strerror}.",
            hint=f"`{command('report', run.path, '--serve')}` takes a free one",
        ) from error
    server.daemon_threads = True
    with server:
        try:
            opened(f"http://{HOST}:{server.server_port}/")
            server.serve_forever()
        except KeyboardInterrupt:
            return


class LivePage:
    """The newest page of a run, with a tag that changes when the run's files do."""

    def __init__(self, run: RunFolder, page_of: PageOf) -> None:
        self._run, self._page_of = run, page_of
        self._lock = threading.Lock()
        self._tag, self._page = "", b""

    def tag(self) -> str:
        """Return a tag of the files that the page shows, by their sizes and times."""
        run = self._run
        files = [run.config, run.plan, run.env, run.summary, run.metrics, run.saves, run.ledger, run.completions]
        files += [run.evaluations, *sorted(run.path.glob("evals/step-*/scores.json")), *selection_files(run.path)]
        stamps = [_stamp(path) for path in (*files, run.path / "greedy_before.jsonl", run.path / "greedy_after.jsonl")]
        return f'"{hashlib.sha256(repr(stamps).encode()).hexdigest()[:24]}"'

    def page(self) -> tuple[str, bytes]:
        """Return the tag and the page, which is built only where the tag has changed."""
        with self._lock:
            tag = self.tag()
            if tag != self._tag:
                self._tag, self._page = tag, self._page_of(self._run, _SECONDS_BETWEEN_LOOKS).encode("utf-8")
            return self._tag, self._page


class _Handler(BaseHTTPRequestHandler):
    """Answers for the page, for the images beside it, and for nothing else."""

    def __init__(self, live: LivePage, folder: Path, *arguments: Any) -> None:
        self._live, self._folder = live, folder
        super().__init__(*arguments)

    def do_GET(self) -> None:
        self._answer(has_body=True)

    def do_HEAD(self) -> None:
        self._answer(has_body=False)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: an open page asks every few seconds."""

    def _answer(self, *, has_body: bool) -> None:
        path = self.path.partition("?")[0]
        if not self._is_meant_for_us():
            self.send_error(HTTPStatus.FORBIDDEN)
        elif path in _PAGES:
            tag, page = self._live.page() if has_body else (self._live.tag(), b"")
            self._send(page, kind="text/html; charset=utf-8", tag=tag)
        elif path == "/favicon.ico":
            self.send_response(HTTPStatus.NO_CONTENT)
            self.end_headers()
        elif (image := self._image(path)) is not None:
            self._send(image.read_bytes() if has_body else b"", kind="image/png")
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _is_meant_for_us(self) -> bool:
        """Whether the request names this host: a foreign page that resolves its name to 127.0.0.1 does not."""
        name = self.headers.get("Host", "").rpartition(":")[0]
        return name in (HOST, "localhost")

    def _image(self, path: str) -> Path | None:
        """Return an image that lies in the report folder itself; names are compared, so that no path leads out."""
        images = self._folder.glob("*.png") if self._folder.is_dir() else ()
        return next((image for image in images if f"/{image.name}" == path and not image.is_symlink()), None)

    def _send(self, body: bytes, *, kind: str, tag: str = "") -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if tag:
            self.send_header("ETag", tag)
        if body:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
