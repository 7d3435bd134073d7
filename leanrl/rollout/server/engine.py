"""The engine that asks a vLLM server: leanrl's own, or one that a user runs."""

import logging
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from leanrl.errors import LeanRLError, StoppedError
from leanrl.rollout.adapter_files import num_bytes, publish, verify, withdraw
from leanrl.rollout.owned_folder import claim_folder
from leanrl.rollout.protocol import Adapter, Completion, GroupRequest, Policy, Sampling
from leanrl.rollout.selftest import Drawn
from leanrl.rollout.server.client import ServerClient, ServerLostError, ServerRefusedError, group_by_call
from leanrl.rollout.server.process import ServerProcess
from leanrl.rollout.server.weight_transport import WeightTransport
from leanrl.rollout.vllm.whole_distribution import LogprobsMode, ScaledLogits, at_temperature
from leanrl.storage.temporary.owned import OwnedFolder

_log = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")
# A server that is lost this often in a row has a reason that another start does not take away.
MOST_RESTARTS = 3
# Calls that wait for the server at the same time: as many as it decodes side by side (vLLM's own max_num_seqs).
_MOST_CALLS = 256
_GO_ON = "`leanrl train --resume RUN` continues from the last checkpoint"


class VllmServer:
    """`RolloutEngine` over HTTP; a policy travels through a folder that both sides see, an adapter without its base.

    Names are unique to this run: what an earlier run has left on a server can neither be met nor answered from.

    Args:
        process: leanrl's own server, which is started anew when it is lost; None for a user's.
        base: the name under which the server serves the model without an adapter.
        dtype: in which adapters travel.
        transport: brings whole weights to the server; None where adapters are served only.
        logprobs_mode: what the server was started with.
    """

    def __init__(
        self,
        client: ServerClient,
        *,
        process: ServerProcess | None,
        base: str,
        dtype: torch.dtype,
        transport: WeightTransport | None = None,
        logprobs_mode: LogprobsMode = "processed_logprobs",
    ) -> None:
        self._client = client
        self._process = process
        self._base = base
        self._dtype = dtype
        self._transport = transport
        self._logprobs_mode = logprobs_mode
        self._run_id = uuid.uuid4().hex[:8]
        self._folder: OwnedFolder | None = None
        self._num_syncs = 0
        self._policy: Policy | None = None
        self._serving: str | None = None

    def sync(self, policy: Policy) -> None:
        self._policy = policy
        self._steadily(self._load)

    def generate(self, requests: Sequence[GroupRequest], sampling: Sampling) -> list[list[Completion]]:
        if self._policy is None:
            raise ValueError("generate was called before sync: there is no policy to draw from.")
        return self._steadily(lambda: self._complete(self._current(), requests, sampling))

    def generate_without_adapter(self, requests: Sequence[GroupRequest], sampling: Sampling) -> list[list[Completion]]:
        return self._steadily(lambda: self._complete(self._base, requests, sampling))

    def score(self, drawn: Sequence[Drawn]) -> list[list[float]]:
        return self._steadily(lambda: self._client.score(self._current(), drawn))

    def score_without_adapter(self, drawn: Sequence[Drawn]) -> list[list[float]]:
        return self._steadily(lambda: self._client.score(self._base, drawn))

    def forget_prefixes(self) -> None:
        self._steadily(self._forget)

    def sleep(self) -> None:
        """Do nothing: a server has cards of its own."""

    def wake(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
        if self._process is not None:
            self._process.stop()
        elif self._serving is not None and self._serving != self._base:
            try:
                self._client.unload_adapter(self._serving)
            except (ServerLostError, ServerRefusedError) as error:
                _log.warning("the last adapter stays on %s: %s", self._client.url, error)
        self._serving = None
        if self._folder is not None:
            self._folder.close()
            self._folder = None

    @property
    def _hint(self) -> str:
        """How a run goes on that its server has stopped; leanrl starts its own anew."""
        return _GO_ON if self._process is not None else f"start the server at {self._client.url} again; then {_GO_ON}"

    def _current(self) -> str:
        """Return the name of the current policy; a server that was started anew has to be given it first."""
        if self._serving is None:
            self._load()
        return str(self._serving)

    def _load(self) -> None:
        """Publish the policy under a new name, have it loaded, and forget the one before."""
        assert self._policy is not None
        self._num_syncs += 1
        name = f"leanrl-{self._run_id}-{self._num_syncs}-step{self._policy.version}"
        if self._policy.adapter is not None:
            self._load_adapter(self._policy.adapter, name)
        else:
            assert self._transport is not None, "whole weights for a server that takes adapters only"
            self._transport.push(self._policy.weights(), name)
            self._serving = self._base
        self._forget()

    def _load_adapter(self, adapter: Adapter, name: str) -> None:
        self._folder = self._folder or claim_folder(needed_bytes=num_bytes(adapter.tensors, self._dtype))
        folder = publish(adapter, self._folder.path, name, dtype=self._dtype)
        try:
            verify(folder, adapter, dtype=self._dtype)
            self._client.load_adapter(name, folder)
        finally:
            withdraw(folder)
        if self._serving is not None:
            self._client.unload_adapter(self._serving)
        self._serving = name

    def _restart(self) -> None:
        assert self._process is not None
        if self._transport is not None:
            self._transport.close()
        try:
            self._process.restart()
        except LeanRLError as error:
            raise StoppedError(
                f"the rollout server is lost and does not start again: {error.message}", hint=self._hint
            ) from error

    def _forget(self) -> None:
        if not self._client.reset_prefix_cache():
            raise StoppedError(
                f"{self._client.url} refused to drop its prefix cache, so it would answer from an older policy.",
                hint=_GO_ON,
            )

    def _complete(self, model: str, requests: Sequence[GroupRequest], sampling: Sampling) -> list[list[Completion]]:
        """Return the group of every request; requests with seeds of their own are calls of their own, side by side."""
        groups: list[list[Completion]] = [[] for _ in requests]
        calls = group_by_call(requests)

        def call(number: int, seed: int | None) -> list[list[Completion]]:
            prompts = [requests[position].prompt_ids for position in calls[number, seed]]
            return self._client.complete(model, prompts, asked, number, seed=seed)

        with (
            at_temperature(sampling, self._logprobs_mode, self._scale_logits) as asked,
            ThreadPoolExecutor(min(_MOST_CALLS, max(1, len(calls)))) as callers,
        ):
            completed = list(callers.map(call, *zip(*calls, strict=True))) if calls else []
        for positions, of_call in zip(calls.values(), completed, strict=True):
            for position, group in zip(positions, of_call, strict=True):
                groups[position] = group
        return groups

    def _scale_logits(self, factor: float) -> None:
        self._client.call_workers(ScaledLogits.scale_logits.__name__, factor=factor)

    def _steadily(self, call: Callable[[], _Answer]) -> _Answer:
        """Return the call's answer; a server of leanrl's own that is lost is started anew and brought up to date.

        Raises:
            StoppedError: if it is a user's server, or is lost again and again.
        """
        for num_restarts in range(MOST_RESTARTS + 1):
            try:
                return call()
            except ServerRefusedError as error:
                raise StoppedError(f"the rollout server refused: {error}", hint=self._hint) from error
            except ServerLostError as error:
                if self._process is None or num_restarts == MOST_RESTARTS:
                    raise StoppedError(f"the rollout server is lost: {error}", hint=self._hint) from error
                _log.warning("the rollout server is lost (%s); starting it anew", error)
                self._serving = None
                self._restart()
        raise AssertionError("the last turn returns or raises")
