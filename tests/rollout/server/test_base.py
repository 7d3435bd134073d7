"""A user's server that is none of vLLM's: what listens there is real, and answers whatever it likes."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from transformers import AutoConfig

from leanrl.errors import ConfigError
from leanrl.rollout.server.base import require_usable_server
from leanrl.rollout.server.client import ServerClient


@pytest.fixture
def refusal():
    """A function that returns what is said of a server with these answers by path."""
    servers = []

    def refused(answers):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                code, text = answers.get(self.path.partition("?")[0], (404, "<p>\n  Not found\n</p>"))
                self.send_response(code)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = ServerClient(f"http://127.0.0.1:{server.server_port}", deadline_seconds=10)
        with pytest.raises(ConfigError, match="server_url is http://127") as caught:
            require_usable_server(client, AutoConfig.for_model("llama"), max_model_tokens=8, dtype="float32")
        assert "--enable-lora" in caught.value.hint
        return caught.value.message

    yield refused
    for server in servers:
        server.shutdown()
        server.server_close()


MODELS = (200, '{"data": [{"id": "base", "parent": null}]}')


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({}, "GET /v1/models answered 404: <p> Not found </p>"),
        ({"/v1/models": (200, "welcome")}, "the answer has no data, which vLLM's has"),
        ({"/v1/models": (200, "[]")}, "the answer has no data, which vLLM's has"),
        ({"/v1/models": (200, '{"data": []}')}, "it names no model"),
        ({"/v1/models": MODELS}, "GET /server_info?config_format=json answered 404"),
        ({"/v1/models": MODELS, "/server_info": (200, '{"vllm_config": 1}')}, "the answer has no model_config"),
    ],
)
def test_a_server_that_is_not_vllms_is_refused_with_what_it_said(refusal, answers, said):
    assert said in refusal(answers)
