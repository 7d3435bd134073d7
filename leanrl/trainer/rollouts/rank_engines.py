"""Rollout engines of several training ranks: one for all of them, or one for each."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

import torch.distributed as dist

from leanrl.errors import LeanRLError
from leanrl.rollout.effect_test import ScoringEngine
from leanrl.rollout.protocol import Completion, GroupRequest, NamedTensors, Policy, Sampling
from leanrl.rollout.selftest import Drawn

_Answer = TypeVar("_Answer")
_Asked = TypeVar("_Asked")
_FIRST = 0


@dataclass(frozen=True)
class _Failed:
    """What an engine said no with, on its way to the other ranks."""

    error: LeanRLError


@dataclass(frozen=True)
class _Gather:
    """The first rank's engine wants the policy's weights, which all ranks have to put together."""


class SharedEngine:
    """`ScoringEngine` of several ranks, of which the first has an engine and asks it for all.

    Each rank gets the completions of its own prompts, a step's prompts reach the engine in one call, and a policy is
    sent once. While the first rank is busy the others wait for its word: an answer, an error that ends all of them
    alike, or a call to put the weights together, which an engine that was lost needs at any time.

    Args:
        open_engine: called on the first rank; an error there is every rank's.
        longest_wait: how long the others wait for one word; a first rank that is dead is noticed at once.
    """

    def __init__(self, open_engine: Callable[[], ScoringEngine], *, longest_wait: timedelta) -> None:
        # gloo on cards too: a rank that waits for minutes keeps no card busy.
        self._group = dist.new_group(backend="gloo", timeout=longest_wait)
        self._engine: ScoringEngine | None = None
        self._policy: Policy | None = None
        if dist.get_rank() == _FIRST:
            with self._failing_together():
                self._engine = open_engine()
            self._tell(None)
        else:
            self._wait()

    def sync(self, policy: Policy) -> None:
        self._policy = policy
        self._ask(lambda engine: engine.sync(replace(policy, weights=self._gathered)))

    def generate(self, requests: Sequence[GroupRequest], sampling: Sampling) -> list[list[Completion]]:
        return self._share(requests, lambda engine, everybodys: engine.generate(everybodys, sampling))

    def generate_without_adapter(self, requests: Sequence[GroupRequest], sampling: Sampling) -> list[list[Completion]]:
        return self._share(requests, lambda engine, everybodys: engine.generate_without_adapter(everybodys, sampling))

    def score(self, drawn: Sequence[Drawn]) -> list[list[float]]:
        return self._share(drawn, lambda engine, everybodys: engine.score(everybodys))

    def score_without_adapter(self, drawn: Sequence[Drawn]) -> list[list[float]]:
        return self._share(drawn, lambda engine, everybodys: engine.score_without_adapter(everybodys))

    def forget_prefixes(self) -> None:
        self._ask(lambda engine: engine.forget_prefixes())

    def sleep(self) -> None:
        self._ask(lambda engine: engine.sleep())

    def wake(self) -> None:
        self._ask(lambda engine: engine.wake())

    def close(self) -> None:
        """Free the engine, without a word to the other ranks: they may be gone."""
        if self._engine is not None:
            self._engine.close()

    def _share(
        self, asked: Sequence[_Asked], call: Callable[[ScoringEngine, list[_Asked]], list[_Answer]]
    ) -> list[_Answer]:
        """Ask the engine what all ranks want to know, and return the answers to what this one asks."""
        by_rank: list[list[_Asked]] = [[] for _ in range(dist.get_world_size())]
        dist.all_gather_object(by_rank, list(asked), group=self._group)
        everybodys = [one for of_rank in by_rank for one in of_rank]
        answers = self._ask(lambda engine: call(engine, everybodys))
        first = sum(len(of_rank) for of_rank in by_rank[: dist.get_rank()])
        return answers[first : first + len(asked)]

    def _ask(self, call: Callable[[ScoringEngine], _Answer]) -> _Answer:
        if self._engine is None:
            return self._wait()
        with self._failing_together():
            answer = call(self._engine)
        self._tell(answer)
        return answer

    def _gathered(self) -> NamedTensors:
        assert self._policy is not None
        self._tell(_Gather())
        return self._policy.weights()

    @contextmanager
    def _failing_together(self) -> Iterator[None]:
        try:
            yield
        except LeanRLError as error:
            self._tell(_Failed(error))
            raise

    def _tell(self, word: Any) -> None:
        dist.broadcast_object_list([word], src=_FIRST, group=self._group)

    def _wait(self) -> Any:
        while True:
            box: list[Any] = [None]
            dist.broadcast_object_list(box, src=_FIRST, group=self._group)
            if isinstance(box[0], _Failed):
                raise box[0].error
            if not isinstance(box[0], _Gather):
                return box[0]
            assert self._policy is not None
            for _ in self._policy.weights():
                pass  # the first rank keeps them; putting them together takes all


class OwnEngine:
    """`ScoringEngine` of a rank whose engine is its own: an error of any rank ends all of them alike."""

    def __init__(self, engine: ScoringEngine) -> None:
        self._engine = engine

    def sync(self, policy: Policy) -> None:
        self._together(lambda: self._engine.sync(policy))

    def generate(self, requests: Sequence[GroupRequest], sampling: Sampling) -> list[list[Completion]]:
        return self._together(lambda: self._engine.generate(requests, sampling))

    def generate_without_adapter(self, requests: Sequence[GroupRequest], sampling: Sampling) -> list[list[Completion]]:
        return self._together(lambda: self._engine.generate_without_adapter(requests, sampling))

    def score(self, drawn: Sequence[Drawn]) -> list[list[float]]:
        return self._together(lambda: self._engine.score(drawn))

    def score_without_adapter(self, drawn: Sequence[Drawn]) -> list[list[float]]:
        return self._together(lambda: self._engine.score_without_adapter(drawn))

    def forget_prefixes(self) -> None:
        self._together(self._engine.forget_prefixes)

    def sleep(self) -> None:
        self._together(self._engine.sleep)

    def wake(self) -> None:
        self._together(self._engine.wake)

    def close(self) -> None:
        """Free the engine, without a word to the other ranks: they may be gone."""
        self._engine.close()

    def _together(self, call: Callable[[], _Answer]) -> _Answer:
        failure: LeanRLError | None = None
        try:
            answer = call()
        except LeanRLError as error:
            failure = error
        failures: list[LeanRLError | None] = [None] * dist.get_world_size()
        dist.all_gather_object(failures, failure)
        for one in failures:
            if one is not None:
                raise one
        return answer
