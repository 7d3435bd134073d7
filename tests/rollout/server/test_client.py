"""Calls to a server: to this machine whatever proxy the environment names, and with seeds where there are some."""

import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from leanrl.rollout.protocol import GroupRequest, Sampling
from leanrl.rollout.server.client import ServerClient, ServerLostError, ServerRefusedError
from leanrl.rollout.server.engine import VllmServer
from leanrl.rollout.vllm.whole_distribution import at_temperature


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


def test_no_proxy_is_asked_for_the_loopback(monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = HTTPServer(("127.0.0.1", 0), Healthy)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        assert ServerClient(f"http://127.0.0.1:{server.server_address[1]}", deadline_seconds=5.0).is_healthy()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class OnSocket(socketserver.UnixStreamServer):
    def get_request(self) -> tuple[Any, tuple[str, int]]:
        request, _ = super().get_request()
        return request, ("unix", 0)  # http.server wants an address with two parts


def test_a_server_on_a_socket_answers_and_one_that_is_gone_is_lost(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    url = f"unix:{tmp_path / 'a.sock'}"
    client = ServerClient(url, deadline_seconds=5.0)
    assert not client.is_healthy()
    with pytest.raises(ServerLostError, match=r"GET /v1/models of unix:.*a\.sock"):
        client.models()
    with OnSocket(str(tmp_path / "a.sock"), Healthy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            assert client.is_healthy()
            with pytest.raises(ServerRefusedError, match="has no data"):
                client.models()
        finally:
            server.shutdown()
            thread.join()


class Completing(Healthy):
    """Answers each prompt with its own first token, and writes down what it was asked."""

    asked: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append(body)
        choice = {"logprobs": {"token_logprobs": [-1.0]}}
        choices = [choice | {"token_ids": prompt[:1]} for prompt in body["prompt"] for _ in range(body["n"])]
        content = json.dumps({"choices": choices}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def test_seeds_reach_the_server_in_calls_of_their_own_and_answers_keep_their_order(monkeypatch: pytest.MonkeyPatch):
    """Two requests share a seed, and so a call; without seeds all prompts are one call, as they always were."""
    monkeypatch.setattr(Completing, "asked", [])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Completing)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        client = ServerClient(f"http://127.0.0.1:{server.server_address[1]}", deadline_seconds=5.0)
        engine = VllmServer(client, process=None, base="base", dtype=torch.float32)
        sampling = Sampling(temperature=0.8, max_completion_tokens=1, stop_token_ids=(0,))
        seeded = [GroupRequest([token], 1, seed=seed) for token, seed in ((5, 1), (6, 2), (7, 1))]
        groups = engine.generate_without_adapter(seeded, sampling)
        assert [completion.token_ids for (completion,) in groups] == [[5], [6], [7]]
        found = sorted((body["seed"], body["prompt"]) for body in Completing.asked)
        assert found == [(1, [[5], [7]]), (2, [[6]])]
        Completing.asked.clear()
        engine.generate_without_adapter([GroupRequest([5], 1), GroupRequest([6], 1)], sampling)
        (body,) = Completing.asked
        assert body["prompt"] == [[5], [6]]
        assert "seed" not in body
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("temperature", "needs_logprobs", "scaled", "asked"),
    [
        (0.5, True, [2.0, 1.0], 1.0),  # the worker divides, so that its raw log-probabilities are those at 0.5
        (0.5, False, [], 0.5),
        (0.0, False, [], 0.0),  # greedy: dividing by 0 would be no temperature
    ],
)
def test_logits_are_scaled_only_for_those_who_need_log_probabilities(temperature, needs_logprobs, scaled, asked):
    factors: list[float] = []
    sampling = Sampling(temperature, 4, (0,), needs_logprobs=needs_logprobs)
    with at_temperature(sampling, "raw_logprobs", factors.append) as told:
        assert told.temperature == asked
    assert factors == scaled
