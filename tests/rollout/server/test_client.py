"""Calls to a server of this machine go to it, whatever proxy the environment names."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from leanrl.rollout.server.client import ServerClient


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
