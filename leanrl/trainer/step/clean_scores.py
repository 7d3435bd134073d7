"""CleanScores: what a step compares, scored without dropout where its training pass has some."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from torch import nn

from leanrl.engine.layers.adapter_dropout import without_dropout
from leanrl.engine.rows import StepRow
from leanrl.trainer.memory.phase_meter import PhaseMeter
from leanrl.trainer.step.batch_rows import batch_rows
from leanrl.trainer.step.step_pass import StepPass

# TRL's names of what a step compares the policy with: the reference, and the rollout engine's own numbers.
_COMPARED = ("ref_per_token_logps", "sampling_per_token_logps")
_OLD = "old_per_token_logps"


class CleanScores:
    """Adds the scores that ratios and the KL compare; nothing where the model has no dropout or nothing is compared.

    Args:
        has_dropout: whether the model that is trained drops anything.
        step_pass: scores rows.
        meter: puts the memory of scoring under its phase.
    """

    def __init__(self, step_pass: StepPass, *, has_dropout: bool, meter: PhaseMeter) -> None:
        self._step_pass = step_pass
        self._meter = meter
        self._is_needed = has_dropout
        self._version_drawn: int | None = None

    def of_rollout(self, model: nn.Module, batch: dict[str, Any], *, version: int) -> dict[str, Any]:
        """Return TRL's batch with the log-probabilities of the policy that has sampled; TRL scores them for reuse only.

        Args:
            version: steps trained when the completions were drawn.
        """
        self._version_drawn = version
        is_compared = any(batch.get(name) is not None for name in _COMPARED)
        if not (self._is_needed and is_compared) or batch.get(_OLD) is not None:
            return batch
        num_columns = batch["completion_ids"].shape[1]
        with self._scoring(model):
            return {**batch, _OLD: self._step_pass.score(model, batch_rows(batch), num_columns=num_columns)}

    def of_step(self, model: nn.Module, rows: list[StepRow], *, version: int) -> list[StepRow]:
        """Return the rows with the log-probabilities of the policy as it is.

        Before the first update on a rollout it is the policy that has sampled.
        """
        if not self._is_needed or rows[0].sampled_logprobs is None:
            return rows
        if version == self._version_drawn:
            return [replace(row, policy_logprobs=row.sampled_logprobs) for row in rows]
        with self._scoring(model):
            return self._step_pass.with_policy_scores(model, rows)

    @contextmanager
    def _scoring(self, model: nn.Module) -> Iterator[None]:
        with self._meter.phase("reference"), without_dropout(model):
            yield
