"""The bridge between TRL's trainer and a rollout engine: versions handed over, completions handed back.

Axes: B completions, T completion tokens.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import torch
from peft import PeftModel, get_peft_model_state_dict, set_peft_model_state_dict

from leanrl.engine.rows import StepRow, lay_out
from leanrl.engine.step import score_micro_batch
from leanrl.rollout.adapter_files import travelling
from leanrl.rollout.protocol import Adapter
from leanrl.rollout.selftest import Drawn


class PolicyScorer:
    """`rollout.selftest.Scorer` on the model that is being trained.

    Args:
        model: the model with its adapter and `engine.head` attached, unwrapped.
        rows_at_once: completions of one forward pass.
        autocast: the context in which the trainer computes.
    """

    def __init__(
        self,
        model: PeftModel,
        *,
        pad_id: int,
        device: torch.device | str,
        rows_at_once: int,
        autocast: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._model = model
        self._pad_id = pad_id
        self._device = device
        self._rows_at_once = rows_at_once
        self._autocast = autocast

    def score(self, drawn: Sequence[Drawn], *, temperature: float) -> list[list[float]]:
        was_training = self._model.training
        self._model.eval()  # dropout would make the trainer's own numbers differ from themselves
        try:
            starts = range(0, len(drawn), self._rows_at_once)
            return [
                scores
                for start in starts
                for scores in self._score_rows(drawn[start : start + self._rows_at_once], temperature)
            ]
        finally:
            self._model.train(was_training)

    def score_base(self, drawn: Sequence[Drawn], *, temperature: float) -> list[list[float]]:
        with self._model.disable_adapter():
            return self.score(drawn, temperature=temperature)

    def score_with(self, adapter: Adapter, drawn: Sequence[Drawn], *, temperature: float) -> list[list[float]]:
        trained = adapter_of(self._model)
        set_peft_model_state_dict(self._model, dict(adapter.tensors))
        try:
            return self.score(drawn, temperature=temperature)
        finally:
            set_peft_model_state_dict(self._model, dict(trained.tensors))

    def _score_rows(self, drawn: Sequence[Drawn], temperature: float) -> list[list[float]]:
        rows = [StepRow(prompt_ids=one.prompt_ids, completion_ids=one.token_ids) for one in drawn]
        micro_batch = lay_out(rows, pad_id=self._pad_id, device=self._device)
        with self._autocast():
            logprobs_B_T = score_micro_batch(self._model, micro_batch, temperature=temperature)
        return [scores[: len(one.token_ids)] for one, scores in zip(drawn, logprobs_B_T.float().tolist(), strict=True)]


def adapter_of(model: PeftModel) -> Adapter:
    """Return a copy of the adapter that is being trained, as PEFT would save it."""
    config = {
        name: sorted(value) if isinstance(value, set) else value
        for name, value in model.active_peft_config.to_dict().items()
    }
    return Adapter(travelling(get_peft_model_state_dict(model), torch.float32), config)
