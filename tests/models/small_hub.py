"""A Hub of one user on this machine: the calls that a push makes, answered over real HTTP."""

import base64
import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class HubState:
    """What the Hub knows; `repos` maps a name to whether it is private, `files` what was pushed.

    `groups` are those that the user belongs to; where `forbidden`, nothing may be written.
    """

    role: str = "write"
    groups: list[str] = field(default_factory=list)
    forbidden: bool = False
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
            groups = [{"name": name} for name in state.groups]
            self._answer({"name": "ada", "orgs": groups, "auth": {"accessToken": {"role": state.role}}})
        elif self.path.startswith("/api/models/"):
            name = self.path.removeprefix("/api/models/").split("/revision")[0]
            if name in state.repos:
                files = [{"rfilename": file} for file in state.files]
                self._answer({"id": name, "private": state.repos[name], "sha": "1" * 40, "siblings": files})
            else:
                self._answer({}, code=404, reason="RepoNotFound")
        elif "/resolve/" in self.path and self.path.rpartition("/")[2] in state.files:
            self._send(state.files[self.path.rpartition("/")[2]], code=200, headers={"etag": '"1"'})
        else:
            self._answer({}, code=404, reason="EntryNotFound")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.server.state.num_calls += 1
        body = self.rfile.read(int(self.headers["content-length"]))
        state = self.server.state
        if state.forbidden:
            self._answer({"error": "you do not have the rights"}, code=403)
        elif self.path == "/api/repos/create":
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
        headers = {"content-type": "application/json"} | ({} if reason is None else {"X-Error-Code": reason})
        self._send(json.dumps(value).encode(), code=code, headers=headers)

    def _send(self, body: bytes, *, code: int, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("X-Repo-Commit", "1" * 40)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
