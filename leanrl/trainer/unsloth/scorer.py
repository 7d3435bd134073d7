"""UnslothScorer: the trainer's side of the rollout self-test where unsloth computes the log-probabilities."""

from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

import torch

from leanrl.rollout.selftest import Drawn

if TYPE_CHECKING:
    from leanrl.trainer.unsloth.trainer import UnslothTrainer


class UnslothScorer:
    """`rollout.selftest.Scorer` by the pass that unsloth's correction takes for the policy that has sampled.

    unsloth's loss keeps its own log-probabilities, and its model has no head of the engine's. One completion at a time:
    padding is then nowhere, and unsloth moves a prompt's behind the completion. A padding token that was sampled it
    takes for padding too: from there on nothing is compared, and the numbers are those of the engine.
    """

    def __init__(self, trainer: "UnslothTrainer") -> None:
        self._trainer = trainer

    def score(self, drawn: Sequence[Drawn], *, temperature: float) -> list[list[float]]:
        trained_at, self._trainer.temperature = self._trainer.temperature, temperature
        try:
            return [self._score_one(one) for one in drawn]
        finally:
            self._trainer.temperature = trained_at

    def _score_one(self, one: Drawn) -> list[float]:
        trainer = self._trainer
        token_ids = list(takewhile(lambda token: token != trainer._tokenizer.pad_token_id, one.token_ids))
        if not token_ids:
            return one.logprobs
        input_ids_1_S = torch.tensor([one.prompt_ids + token_ids], device=trainer.accelerator.device)
        with torch.no_grad():
            logprobs_1_T, *_ = trainer._get_per_token_logps_and_entropies(
                trainer.model, input_ids_1_S, torch.ones_like(input_ids_1_S), len(token_ids)
            )
        return [*logprobs_1_T[0].float().tolist(), *one.logprobs[len(token_ids) :]]
