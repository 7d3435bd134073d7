"""The page of a run that still trains: on 127.0.0.1 alone, newer where the run is, and nothing else of the disk."""

import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from leanrl.storage.run_folder import RunFolder, append_jsonl
from tests.report.sample_run import write_sample_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    run = write_sample_run(tmp_path_factory.mktemp("runs") / "demo", num_steps=3)
    run.report.mkdir()
    (run.report / "kl.png").write_bytes(b"\x89PNG image")
    (run.report / "secret.txt").write_text("no image")
    (run.report / "link.png").symlink_to(run.config)
    return run


def _take_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def server(run: RunFolder) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`leanrl report RUN --serve` in a process of its own, and its port."""
    command = [sys.executable, "-m", "leanrl", "report", str(run.path), "--serve"]
    # A shell starts what it puts into the background without Ctrl-C, and this suite may have been started so.
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=_take_ctrl_c)
    assert process.stdout is not None
    (port,) = re.findall(r"http://127\.0\.0\.1:(\d+)/", process.stdout.readline())
    yield process, int(port)
    process.kill()
    process.wait()


def ask(port: int, path: str, *, method: str = "GET", host: str = "") -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, headers={"Host": host or f"127.0.0.1:{port}"})
    response = connection.getresponse()
    return response, response.read()


def test_the_page_is_newer_when_the_run_is(server: tuple[subprocess.Popen[str], int], run: RunFolder) -> None:
    _, port = server
    before, page = ask(port, "/")
    assert "Steps</dt><dd>3 of 3" in page.decode()
    assert 'data-live="10"' in page.decode()
    assert "connect-src 'self'" in page.decode()
    unchanged, nothing = ask(port, "/", method="HEAD")
    assert (unchanged.headers["ETag"], nothing) == (before.headers["ETag"], b"")
    append_jsonl(run.metrics, {"step": 4, "loss": 0.5})
    after, page = ask(port, "/index.html?x=1")
    assert after.headers["ETag"] != before.headers["ETag"]
    assert "Steps</dt><dd>4 of 3" in page.decode()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/kl.png", 200),
        ("/secret.txt", 404),
        ("/link.png", 404),
        ("/../config.json", 404),
        ("/%2e%2e/config.json", 404),
        ("//etc/passwd", 404),
        ("/../report/kl.png", 404),
        ("/favicon.ico", 204),
    ],
)
def test_only_the_page_and_its_images_are_served(
    server: tuple[subprocess.Popen[str], int], path: str, status: int
) -> None:
    assert ask(server[1], path)[0].status == status


def test_a_foreign_name_for_this_machine_is_refused(server: tuple[subprocess.Popen[str], int]) -> None:
    assert ask(server[1], "/", host=f"example.org:{server[1]}")[0].status == 403
    assert ask(server[1], "/", host=f"localhost:{server[1]}")[0].status == 200


def test_a_port_that_is_taken_is_an_error_with_a_way_out(run: RunFolder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "leanrl", "report", str(run.path), "--serve", "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert f"port {port} of 127.0.0.1 cannot be opened" in done.stderr
    assert "takes a free one" in done.stderr


def test_ctrl_c_ends_it_without_an_error(server: tuple[subprocess.Popen[str], int], run: RunFolder) -> None:
    """The last test of this file: it ends the server. Nothing was written beside what lay there."""
    process, port = server
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5)
    assert {path.name for path in run.report.iterdir()} == {"kl.png", "secret.txt", "link.png"}


def test_one_run_at_a_time(run: RunFolder, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "leanrl", "report", str(run.path), "--serve", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "writes no file" in done.stderr
