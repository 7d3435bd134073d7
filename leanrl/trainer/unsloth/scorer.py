"""UnslothScorer: the trainer's side of the rollout self-test where unsloth computes the log-probabilities."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Protocol

from leanrl.rollout.selftest import Drawn


class OnePass(Protocol):
    """Returns unsloth's log-probabilities, in nats, of one completion behind its prompt."""

    def __call__(self, prompt_ids: list[int], token_ids: list[int], *, temperature: float) -> list[float]: ...


class UnslothScorer:
    """`rollout.selftest.Scorer` by the pass that unsloth's correction takes for the policy that has sampled.

    unsloth's loss keeps its own log-probabilities, and its model has no head of the engine's. One completion at a time:
    padding is then nowhere, and unsloth moves a prompt's behind the completion. A padding token that was sampled it
    takes for padding too: from there on nothing is compared, and the numbers are those of the engine.
    """

    def __init__(self, one_pass: OnePass, *, pad_id: int | None) -> None:
        self._one_pass = one_pass
        self._pad_id = pad_id

    def score(self, drawn: Sequence[Drawn], *, temperature: float) -> list[list[float]]:
        return [self._score_one(one, temperature) for one in drawn]

    def _score_one(self, one: Drawn, temperature: float) -> list[float]:
        token_ids = list(takewhile(lambda token: token != self._pad_id, one.token_ids))
        if not token_ids:
            return one.logprobs
        return [*self._one_pass(one.prompt_ids, token_ids, temperature=temperature), *one.logprobs[len(token_ids) :]]
