"""`leanrl eval --endpoint` against a real server of this machine: answers, a busy server, garbage, and no leave."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

import leanrl
from leanrl.cli.main import app
from leanrl.errors import ConfigError, LeanRLError, MissingError, StoppedError
from leanrl.evaluation.address import key_for
from leanrl.rollout.streams import endpoint

ROWS = [{"id": f"p{number}", "problem": f"{number} + {number}", "answer": str(2 * number)} for number in range(4)]
Reply = tuple[int, dict[str, str], bytes]
Answer = Callable[[int, dict], Reply]


def completion(text: str, **more: object) -> Reply:
    message = {"role": "assistant", "content": text}
    body = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": {"completion_tokens": 7}} | more
    return 200, {}, json.dumps(body).encode()


@contextmanager
def server(answer: Answer) -> Iterator[tuple[str, list[dict]]]:
    """Give the address of a server whose n-th answer is `answer(n, body)`, and the bodies that it was sent."""
    bodies: list[dict] = []
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with lock:
                number = len(bodies)
                bodies.append({**body, "path": self.path, "key": self.headers.get("authorization")})
            status, headers, content = answer(number, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_address[1]}/v1", bodies
    finally:
        running.shutdown()
        thread.join()
        running.server_close()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note the seconds that a stream would wait."""
    waited: list[float] = []
    plain = endpoint.EndpointStream.__init__

    async def note(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(endpoint.EndpointStream, "__init__", lambda *args, **more: plain(*args, **more, sleep=note))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    return waited


def command(address: str, tmp_path: Path) -> list[str]:
    sums = tmp_path / "sums.jsonl"
    sums.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    out = ("--out", str(tmp_path / "out"))
    return ["eval", "tiny", "--endpoint", address, "--benchmarks", str(sums), "--samples", "2", *out, "--json"]


def right_answer(_: int, body: dict) -> Reply:
    number = int(body["messages"][-1]["content"].split()[-1])
    return completion(rf"So it is $\boxed{{{2 * number}}}$.")


def error_of(arguments: list[str]) -> LeanRLError:
    error = CliRunner().invoke(app, arguments).exception
    assert isinstance(error, LeanRLError)
    return error


def test_an_endpoint_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LEANRL_ENDPOINT_KEY", "secret-key")
    with server(right_answer) as (address, bodies):
        scores = json.loads(CliRunner().invoke(app, command(address, tmp_path), catch_exceptions=False).stdout)
    score = scores["benchmarks"]["sums"]
    assert (score["accuracy"], score["mean_tokens"], score["truncated_share"]) == (1.0, 7.0, 0.0)
    assert len(bodies) == 8
    assert {body["path"] for body in bodies} == {"/v1/chat/completions"}
    assert {(body["model"], body["temperature"], body["top_p"], body["max_tokens"]) for body in bodies} == {
        ("tiny", 0.8, 0.9, 32_768)
    }
    assert len({body["seed"] for body in bodies}) == 8
    assert {body["key"] for body in bodies} == {"Bearer secret-key"}
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert not [path for path in files if "secret-key" in path.read_text(errors="replace")]
    exported = json.loads((tmp_path / "out" / "exports" / "lm_eval.json").read_text())
    assert exported["results"]["sums"]["exact_match,none"] == 1.0


def test_thoughts_that_a_server_takes_apart_are_put_back(tmp_path: Path):
    message = {"content": r"\boxed{0}", "reasoning_content": "hm"}
    answer = completion("", choices=[{"message": message, "finish_reason": "length"}])
    with server(lambda *_: answer) as (address, _):
        CliRunner().invoke(app, command(address, tmp_path), catch_exceptions=False)
    (record, *_) = map(json.loads, (tmp_path / "out" / "completions.jsonl").read_text().splitlines())
    assert record["text"] == r"<think>hm</think>\boxed{0}"
    assert record["is_truncated"] is True


def test_a_busy_server_is_asked_again(tmp_path: Path, no_waiting: list[float]):
    def busy_at_first(number: int, body: dict) -> Reply:
        return (429, {"retry-after": "17"}, b"slow down") if number < 3 else right_answer(number, body)

    with server(busy_at_first) as (address, bodies):
        scores = json.loads(CliRunner().invoke(app, command(address, tmp_path), catch_exceptions=False).stdout)
    assert scores["benchmarks"]["sums"]["accuracy"] == 1.0
    assert len(bodies) == 11
    assert no_waiting == [17.0] * 3


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ((200, {}, b"<html>hello</html>"), "6 times with no chat completion but '<html>hello"),
        ((200, {}, b""), "no chat completion"),
        ((200, {}, b"[]"), "no chat completion"),
        ((200, {}, b'{"choices": [{"message": "4"}]}'), "no chat completion"),
        ((200, {}, b'{"choices": []}'), "no chat completion"),
        ((200, {}, b'{"choices": [{"message": {"content": ["x"]}}]}'), "no text"),
        ((500, {}, b"broken"), "6 times with status 500"),
        ((529, {}, b"overloaded"), "6 times with status 529"),
    ],
)
def test_what_is_no_answer_is_named_and_the_command_goes_on(tmp_path: Path, reply: Reply, said: str):
    def at_last(number: int, body: dict) -> Reply:
        return right_answer(number, body) if number < 3 else reply

    with server(at_last) as (address, _):
        error = error_of(command(address, tmp_path))
    assert isinstance(error, StoppedError)
    assert said in error.message
    assert "goes on where this one stopped" in error.hint
    there = (tmp_path / "out" / "completions.jsonl").read_text().count("\n")
    assert there <= 3
    with server(right_answer) as (address, bodies):
        arguments = command(address, tmp_path)
        asked = json.loads((tmp_path / "out" / "evaluation.json").read_text())
        arguments[arguments.index("--endpoint") + 1] = address
        assert asked["engine"] == "endpoint"
        CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert len(bodies) == 8 - there


def test_a_server_that_gives_no_leave_names_the_key(tmp_path: Path):
    with server(lambda *_: (401, {}, b"who are you")) as (address, _):
        error = error_of(command(address, tmp_path))
    assert isinstance(error, MissingError)
    assert "LEANRL_ENDPOINT_KEY" in error.hint


REFUSALS = [
    (404, {}, "no such thing", "/v1/models"),
    (400, {}, "max_tokens is too large", "--max-tokens"),
    (400, {}, "Unrecognized request argument supplied: seed", "own words"),
    (418, {}, "no such thing", "own words"),
    (307, {"location": "http://there/v1/chat/completions"}, "", "--endpoint http://there/v1, where"),
]


@pytest.mark.parametrize(("status", "headers", "said", "hint"), REFUSALS)
def test_a_request_that_is_refused_is_asked_once(tmp_path: Path, status: int, headers: dict, said: str, hint: str):
    with server(lambda *_: (status, headers, said.encode())) as (address, bodies):
        error = error_of(command(address, tmp_path))
    assert isinstance(error, ConfigError)
    assert f"status {status}: {said!r}" in error.message
    assert hint in error.hint
    assert len(bodies) == len({body["seed"] for body in bodies})


def test_garbage_is_asked_again_and_said(tmp_path: Path, no_waiting: list[float]):
    def garbage_at_first(number: int, body: dict) -> Reply:
        return (200, {}, b"<html>starting") if number < 2 else right_answer(number, body)

    with server(garbage_at_first) as (address, _):
        result = CliRunner().invoke(app, command(address, tmp_path), catch_exceptions=False)
    assert json.loads(result.stdout)["benchmarks"]["sums"]["accuracy"] == 1.0
    # Two requests wait for their second try together: one line says so.
    assert result.stderr.count("no chat completion but '<html>starting'; asked again in 1 s") == 1


SECRET = "sk-no-file-has-it"


@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_a_key_that_a_server_repeats_is_told_and_written_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
):
    monkeypatch.setenv("LEANRL_ENDPOINT_KEY", f"{SECRET}\n")
    body = completion(f"Bearer {SECRET}")[2]
    with server(lambda *_: (status, {}, body)) as (address, bodies):
        result = CliRunner().invoke(app, command(address, tmp_path))
    assert {body["key"] for body in bodies} == {f"Bearer {SECRET}"}
    assert SECRET not in result.output + result.stderr + str(result.exception)
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if SECRET in path.read_text()]


@pytest.mark.parametrize("key", ["a\nb", "clé"])
def test_a_key_that_no_header_can_hold_is_refused_without_it(key: str):
    with pytest.raises(ConfigError) as caught:
        key_for("http://127.0.0.1:8000/v1", {"LEANRL_ENDPOINT_KEY": key})
    assert key not in str(caught.value)


def test_another_model_empty_completions_and_a_false_count_are_seen(tmp_path: Path):
    answer = completion("", model="another", usage={"completion_tokens": -5})
    with server(lambda *_: answer) as (address, _):
        result = CliRunner().invoke(app, command(address, tmp_path), catch_exceptions=False)
    assert result.stderr.count("says that 'another' answers, and 'tiny' was asked") == 1
    assert "8 of 8 completions of tiny have no text" in result.stderr
    assert json.loads(result.stdout)["benchmarks"]["sums"]["mean_tokens"] == 0.0


def test_a_key_goes_to_the_host_that_it_is_for():
    both = {"LEANRL_ENDPOINT_KEY": "mine", "OPENAI_API_KEY": "openai's"}
    usual = {"OPENAI_API_KEY": "openai's"}
    assert key_for("https://api.openai.com/v1", usual) == "openai's"
    assert key_for("https://api.openai.com.example.org/v1", usual) is None
    assert key_for("http://127.0.0.1:8000/v1", usual) is None
    assert key_for("http://127.0.0.1:8000/v1", both) == "mine"


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1:8000", "file:///etc/passwd", "http://", "https://me:secret@host/v1", "https://host/v1?key=secret"],
)
def test_an_address_that_is_none_is_refused_before_anything_is_written(tmp_path: Path, address: str):
    error = error_of(command(address, tmp_path))
    assert isinstance(error, ConfigError)
    assert "secret" not in error.message
    assert not (tmp_path / "out").exists()


def test_a_server_that_is_not_there(tmp_path: Path):
    error = error_of(command("http://127.0.0.1:9/v1", tmp_path))
    assert isinstance(error, StoppedError)
    assert "no answer" in error.message


def test_no_benchmark_is_refused_before_anything_is_written(tmp_path: Path):
    with pytest.raises(ConfigError, match="no benchmark is named"):
        leanrl.evaluate("tiny", endpoint="http://127.0.0.1:9/v1", benchmarks=[], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_whose_name_is_no_utf8_is_asked(tmp_path: Path):
    file = tmp_path / os.fsdecode(b"gr\xf6\xdfe-1.2.jsonl")
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    with server(right_answer) as (address, _):
        found = leanrl.evaluate("tiny", endpoint=address, benchmarks=[file], samples=1, out=tmp_path / "out")
        again = leanrl.evaluate("tiny", endpoint=address, benchmarks=[file], samples=1, out=tmp_path / "out")
    assert found.accuracy == again.accuracy == {"gr??e-1.2": 1.0}
