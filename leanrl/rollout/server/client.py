"""The calls that leanrl makes to a vLLM server, over plain HTTP."""

import http.client
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from leanrl.machine.loopback import is_loopback
from leanrl.rollout.protocol import Completion, GroupRequest, Sampling
from leanrl.rollout.selftest import Drawn

_HEALTH_SECONDS = 5.0


UNIX = "unix:"


class ServerLostError(Exception):
    """The server is not there, does not answer in time, or has broken."""


class ServerRefusedError(Exception):
    """The server is there and says no."""


class ServerClient:
    """One server by its URL, or by `unix:PATH` where it listens on a socket in the file system.

    Args:
        deadline_seconds: how long any one call may take; a server that hangs is lost then.
    """

    def __init__(self, url: str, *, deadline_seconds: float) -> None:
        self.url = url.rstrip("/")
        self._deadline_seconds = deadline_seconds
        path = self.url.removeprefix(UNIX) if self.url.startswith(UNIX) else None
        self._root = self.url if path is None else "http://localhost"
        handlers: list[urllib.request.BaseHandler] = [] if path is None else [_UnixHandler(path)]
        # A cluster's http_proxy would be sent the prompts of a server of this machine, which it cannot reach.
        if is_loopback(self._root):
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    def is_healthy(self) -> bool:
        try:
            self._call("GET", "/health", seconds=_HEALTH_SECONDS)
        except (ServerLostError, ServerRefusedError):
            return False
        return True

    def models(self) -> list[dict[str, Any]]:
        """Return what it serves: the base, and adapters by name."""
        return _within(self._call("GET", "/v1/models"), "data")

    def model_settings(self) -> dict[str, Any]:
        """Return its model's settings (vLLM's ModelConfig); needs VLLM_SERVER_DEV_MODE=1."""
        return _within(self._call("GET", "/server_info?config_format=json"), "vllm_config", "model_config")

    def load_adapter(self, name: str, folder: Path) -> None:
        self._call("POST", "/v1/load_lora_adapter", {"lora_name": name, "lora_path": str(folder)})

    def unload_adapter(self, name: str) -> None:
        self._call("POST", "/v1/unload_lora_adapter", {"lora_name": name})

    def reload_weights(self, folder: Path) -> None:
        """Have all weights read from a folder of safetensors."""
        self.call_workers("reload_weights", weights_path=str(folder))

    def call_workers(self, method: str, **arguments: Any) -> None:
        """Run a method of vLLM's worker by its name; needs VLLM_SERVER_DEV_MODE=1."""
        self._call("POST", "/collective_rpc", {"method": method, "kwargs": arguments})

    def init_weight_transfer(self, meeting_point: dict[str, Any]) -> None:
        """Have the worker meet the sender of weights; answers when both are there."""
        self._call("POST", "/init_weight_transfer_engine", {"init_info": meeting_point})

    def start_weight_update(self) -> None:
        self._call("POST", "/start_weight_update")

    def update_weights(self, described: dict[str, Any]) -> None:
        """Have the worker take the described weights, in that order; answers when it has them."""
        self._call("POST", "/update_weights", {"update_info": described})

    def finish_weight_update(self) -> None:
        self._call("POST", "/finish_weight_update")

    def reset_prefix_cache(self) -> bool:
        """Drop cached prefixes and return whether that was done."""
        return bool((self._call("POST", "/reset_prefix_cache") or {"success": True}).get("success"))

    def complete(
        self, model: str, prompts: Sequence[list[int]], sampling: Sampling, n: int, *, seed: int | None = None
    ) -> list[list[Completion]]:
        """Return n completions of every prompt, in order; `seed` decides what is drawn of each."""
        answer = self._call(
            "POST",
            "/v1/completions",
            {
                "model": model,
                "prompt": list(prompts),
                "n": n,
                "max_tokens": sampling.max_completion_tokens,
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "top_k": sampling.top_k,
                "min_p": sampling.min_p or 0.0,
                "repetition_penalty": sampling.repetition_penalty,
                "stop_token_ids": list(sampling.stop_token_ids),
                "logprobs": 0,  # of the sampled token alone
                "return_token_ids": True,
                **({} if seed is None else {"seed": seed}),
            },
        )
        choices = [_completion(choice) for choice in answer["choices"]]
        return [choices[start : start + n] for start in range(0, len(choices), n)]

    def score(self, model: str, drawn: Sequence[Drawn]) -> list[list[float]]:
        """Return the log-probability of each drawn token under the model, before any temperature."""
        texts = [one.prompt_ids + one.token_ids for one in drawn]
        body = {"model": model, "prompt": texts, "max_tokens": 1, "temperature": 0.0, "prompt_logprobs": 0}
        choices = self._call("POST", "/v1/completions", body)["choices"]
        return [_scores(one, choice["prompt_logprobs"]) for one, choice in zip(drawn, choices, strict=True)]

    def _call(self, method: str, path: str, body: Any = None, *, seconds: float | None = None) -> Any:
        request = urllib.request.Request(
            self._root + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with self._opener.open(request, timeout=seconds or self._deadline_seconds) as response:
                content = response.read()
        except urllib.error.HTTPError as error:
            said = " ".join(error.read().decode(errors="replace").split())[:500]
            kind = ServerLostError if error.code >= 500 else ServerRefusedError
            raise kind(f"{method} {path} answered {error.code}: {said}") from error
        except (OSError, http.client.HTTPException) as error:  # refused, reset, timed out, cut short
            reason = getattr(error, "reason", error)  # a URLError says nothing else of its own
            raise ServerLostError(f"{method} {path} of {self.url}: {reason}") from error
        try:
            return json.loads(content)
        except ValueError:
            return None  # the adapter endpoints answer in plain text


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a socket in the file system; the name of the host says nothing."""

    def __init__(self, host: str, *, path: str, **arguments: Any) -> None:
        super().__init__(host, **arguments)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _UnixHandler(urllib.request.HTTPHandler):
    """Opens what begins with http over one socket in the file system."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_UnixConnection, path=self._path), req)


def group_by_call(requests: Sequence[GroupRequest]) -> dict[tuple[int, int | None], list[int]]:
    """Return the positions of the requests by how many completions they ask for, and their seed: a call serves each."""
    calls: dict[tuple[int, int | None], list[int]] = {}
    for position, request in enumerate(requests):
        calls.setdefault((request.num_completions, request.seed), []).append(position)
    return calls


def _within(answer: Any, *names: str) -> Any:
    """Return what an answer holds under these names, one in the other; another program may listen there."""
    for name in names:
        if not isinstance(answer, dict) or name not in answer:
            raise ServerRefusedError(f"the answer has no {name}, which vLLM's has")
        answer = answer[name]
    return answer


def _scores(drawn: Drawn, prompt_logprobs: Sequence[Any]) -> list[float]:
    behind_prompt = prompt_logprobs[len(drawn.prompt_ids) :]
    return [float(entry[str(token)]["logprob"]) for token, entry in zip(drawn.token_ids, behind_prompt, strict=True)]


def _completion(choice: dict[str, Any]) -> Completion:
    logprobs = [float("nan") if one is None else float(one) for one in choice["logprobs"]["token_logprobs"]]
    return Completion(list(choice["token_ids"]), logprobs)
