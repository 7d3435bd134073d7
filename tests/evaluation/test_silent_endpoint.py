"""`leanrl eval --endpoint` on servers that are silent, slow, or cut off: real sockets, and limits of a second."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.errors import ConfigError, StoppedError
from leanrl.rollout.streams import silence
from leanrl.rollout.streams.endpoint import EndpointStream
from leanrl.rollout.streams.stream import StreamRequest, StreamSampling
from tests.evaluation.test_endpoint import command, error_of

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
SECONDS = 1.0
Serve = Callable[[socket.socket, dict, int], None]


@pytest.fixture(autouse=True)
def short_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEANRL_ENDPOINT_MINUTES", str(SECONDS / 60))


@contextmanager
def socket_server(serve: Serve) -> Iterator[tuple[str, list[dict]]]:
    """Give the address of a server that reads a request and leaves the rest to `serve`, and the bodies it was sent."""
    bodies: list[dict] = []
    threads: list[threading.Thread] = []

    def take(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            request = b""
            while b"\r\n\r\n" not in request:
                request += connection.recv(65_536)
            head, _, body = request.partition(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().splitlines() if line.startswith(b"content-length:"))
            while len(body) < length:
                body += connection.recv(65_536)
            bodies.append(json.loads(body))
            serve(connection, bodies[-1], len(bodies))

    def run() -> None:
        with suppress(OSError):
            while True:
                threads.append(threading.Thread(target=take, args=(listening.accept()[0],)))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepting = threading.Thread(target=run)
        accepting.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1", bodies
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join()


def is_silent(connection: socket.socket, *_: object) -> None:
    """Send nothing until the other side leaves."""
    connection.recv(1)


def event(text: str, **more: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": {"content": text}, **more}]}).encode() + b"\n\n"


def streams(connection: socket.socket, body: dict, _: int) -> None:
    """Send an answer in pieces, which take longer than a server may be silent."""
    number = int(body["messages"][-1]["content"].split()[-1])
    connection.sendall(HEAD)
    for piece in (r"So it is $", r"\bo", "xed", "{", str(2 * number), "}", "$."):
        connection.sendall(event(piece))
        time.sleep(SECONDS / 5)
    connection.sendall(event("", finish_reason="stop"))
    connection.sendall(b'data: {"choices": [], "usage": {"completion_tokens": 9}}\n\ndata: [DONE]\n\n')


def scores_of(arguments: list[str]) -> tuple[dict, str]:
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    return json.loads(result.stdout)["benchmarks"]["sums"], result.stderr


@pytest.fixture
def shorter_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEANRL_ENDPOINT_MINUTES", "0.005")


@pytest.mark.usefixtures("shorter_silence")
def test_a_server_that_never_answers_is_given_up_once(tmp_path: Path):
    with socket_server(is_silent) as (address, bodies):
        started = time.monotonic()
        error = error_of(command(address, tmp_path))
        seconds = time.monotonic() - started
    assert isinstance(error, StoppedError)
    assert f"{address}/chat/completions took the request and sent no piece of an answer in 0.3 s" in error.message
    assert f"`curl {address}/models`" in error.hint
    assert "`export LEANRL_ENDPOINT_MINUTES=60`" in error.hint
    assert "goes on where this one stopped" in error.hint
    assert 0 < len(bodies) == len({body["seed"] for body in bodies})
    assert seconds < 60


@pytest.mark.usefixtures("shorter_silence")
def test_pings_of_a_server_whose_engine_stands_are_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def pings(connection: socket.socket, *_: object) -> None:
        connection.sendall(HEAD)
        for _ in range(30):
            connection.sendall(b": ping\n\n")
            time.sleep(0.1)

    monkeypatch.setattr(silence, "_TOLD_AFTER_SECONDS", 0.1)
    with socket_server(pings) as (address, _):
        result = CliRunner().invoke(app, command(address, tmp_path))
    assert "sent no piece of an answer in 0.3 s" in str(result.exception)
    assert result.stderr.count("has sent no piece of an answer for 0.1 s; it is given up after 0.3 s") == 1


def test_a_slow_server_with_a_queue_lives(tmp_path: Path):
    """Each completion takes longer than a silence, and so does the wait in the queue before its first piece."""
    one_at_a_time = threading.Lock()

    def serve(connection: socket.socket, body: dict, number: int) -> None:
        with one_at_a_time:
            streams(connection, body, number)

    with socket_server(serve) as (address, bodies):
        score, said = scores_of([*command(address, tmp_path), "--limit", "1"])
    assert (score["accuracy"], score["mean_tokens"]) == (1.0, 9.0)
    assert "again" not in said
    assert [(body["stream"], body["stream_options"]) for body in bodies] == [(True, {"include_usage": True})] * 2


def test_a_request_that_is_lost_or_cut_short_is_sent_anew(tmp_path: Path):
    def serve(connection: socket.socket, body: dict, number: int) -> None:
        if number == 1:
            is_silent(connection)
        elif number == 2:
            connection.sendall(HEAD + event("So"))
        else:
            streams(connection, body, number)

    with socket_server(serve) as (address, bodies):
        score, said = scores_of(command(address, tmp_path))
    assert score["accuracy"] == 1.0
    assert said.count("answered with no piece of an answer in 1 s; asked again in 1 s") == 1
    assert said.count("answered with no end of a completion but 'data: ") == 1
    assert len(bodies) == 10


def test_a_server_that_does_not_stream_is_asked_for_whole_completions(tmp_path: Path):
    def serve(connection: socket.socket, body: dict, number: int) -> None:
        if "stream" in body:
            content, status = b'{"detail": "stream_options: extra fields not permitted"}', b"422 Unprocessable Entity"
        else:
            message = {"content": r"\boxed{0}"}
            content, status = json.dumps({"choices": [{"message": message}]}).encode(), b"200 OK"
        length = str(len(content)).encode()
        connection.sendall(b"HTTP/1.1 " + status + b"\r\ncontent-length: " + length + b"\r\n\r\n" + content)

    with socket_server(serve) as (address, bodies):
        score, said = scores_of(command(address, tmp_path))
    assert score["accuracy"] == 0.25
    assert said.count("sends no completion piece by piece, status 422") == 1
    assert sum("stream" not in body for body in bodies) == 8


def test_who_leaves_waits_for_no_request():
    def serve(connection: socket.socket, body: dict, number: int) -> None:
        (streams if number == 1 else is_silent)(connection, body, number)

    with socket_server(serve) as (address, _):
        sampling = StreamSampling(temperature=0.0, top_p=1.0, max_completion_tokens=8)
        stream = EndpointStream(
            address, "tiny", key=None, sampling=sampling, num_slots=4, silent_seconds=600, longer="", say=print
        )
        requests = iter([StreamRequest(number, "1 + 1", number) for number in range(3)])
        with closing(stream), closing(stream.draw(lambda: next(requests, None))) as answers:
            assert next(answers).num_tokens == 9
            started = time.monotonic()
        assert time.monotonic() - started < 60


@pytest.mark.parametrize("minutes", ["ten", "0", "-1", "nan", "inf"])
def test_a_silence_that_is_no_number_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minutes: str
):
    monkeypatch.setenv("LEANRL_ENDPOINT_MINUTES", minutes)
    error = error_of(command("http://127.0.0.1:9/v1", tmp_path))
    assert isinstance(error, ConfigError)
    assert f"LEANRL_ENDPOINT_MINUTES is {minutes}" in error.message
    assert not (tmp_path / "out").exists()
