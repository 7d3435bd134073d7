"""A Hub of one user on this machine: the six calls that a push makes, answered over real HTTP."""

import base64
import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class HubState:
    """What the Hub knows; `repos` maps a name to whether it is private, `files` what was pushed."""

    role: str = "write"
    repos: dict[str, bool] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    num_calls: int = 0


class SmallHub(ThreadingHTTPServer):
    def __init__(self, state: HubState) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.state = state

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: SmallHub

    def do_GET(self) -> None:
        self.server.state.num_calls += 1
        state = self.server.state
        if self.path == "/api/whoami-v2":
            self._answer({"name": "ada", "auth": {"accessToken": {"role": state.role}}})
        elif self.path.startswith("/api/models/"):
            name = self.path.removeprefix("/api/models/").split("/revision")[0]
            if name in state.repos:
                self._answer({"id": name, "private": state.repos[name], "sha": "1" * 40})
            else:
                self._answer({}, code=404, reason="RepoNotFound")
        else:
            self._answer({}, code=404, reason="EntryNotFound")

    def do_POST(self) -> None:
        self.server.state.num_calls += 1
        body = self.rfile.read(int(self.headers["content-length"]))
        state = self.server.state
        if self.path == "/api/repos/create":
            wanted = json.loads(body)
            name = f"{wanted['organization']}/{wanted['name']}"
            state.repos[name] = wanted.get("visibility") == "private" or wanted.get("private") is True
            self._answer({"url": f"{self.server.address}/{name}"})
        elif "/preupload/" in self.path:
            asked = json.loads(body)["files"]
            self._answer(
                {"files": [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in asked]}
            )
        elif "/commit/" in self.path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    state.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            name = self.path.removeprefix("/api/models/").split("/commit")[0]
            address = f"{self.server.address}/{name}/commit/1"
            self._answer({"commitUrl": address, "commitOid": "1" * 40, "hookOutput": ""})
        else:
            self._answer({"errors": [], "warnings": []})

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self, value: dict[str, Any], *, code: int = 200, reason: str | None = None) -> None:
        body = json.dumps(value).encode()
        self.send_response(code)
        if reason is not None:
            self.send_header("X-Error-Code", reason)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
