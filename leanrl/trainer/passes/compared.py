"""ComparedScores: the log-probabilities that a step compares the policy's with, scored without dropout.

Axes: B rows of one rank, P groups, T completion tokens.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from torch import nn

from leanrl.engine.layers.adapter_dropout import without_dropout
from leanrl.engine.rows import StepRow
from leanrl.trainer.memory.phase_meter import PhaseMeter
from leanrl.trainer.passes.step_pass import StepPass

# Within its context the reference policy can be scored: a model of its own, or the trained one without its adapter.
Reference = Callable[[], AbstractContextManager[nn.Module]]


class ComparedScores:
    """Adds to rows the scores of the policy that has sampled and of the reference, where the step needs them.

    Args:
        step_pass: scores rows.
        reference: opens the reference policy; None where there is no KL.
        reuses_rollouts: whether a rollout serves several updates: the policy that has sampled is then another one.
        has_dropout: whether the model that is trained drops anything: its training pass then compares nothing.
        meter: puts the memory of scoring under its phase.
    """

    def __init__(
        self,
        step_pass: StepPass,
        *,
        reference: Reference | None,
        reuses_rollouts: bool,
        has_dropout: bool,
        meter: PhaseMeter,
    ) -> None:
        self._step_pass = step_pass
        self._reference = reference
        self._reuses_rollouts = reuses_rollouts
        self._has_dropout = has_dropout
        self._meter = meter
        self._version_drawn: int | None = None
        self._has_sampled_scores = False

    def state_dict(self) -> dict[str, Any]:
        """Return what later updates on a rollout have to know of it, as plain values."""
        return {"version_drawn": self._version_drawn, "has_sampled_scores": self._has_sampled_scores}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on in the middle of a rollout."""
        self._version_drawn, self._has_sampled_scores = state["version_drawn"], state["has_sampled_scores"]

    def of_rollout(self, model: Any, rows_P: list[list[StepRow]], *, version: int) -> list[list[StepRow]]:
        """Return the rows of each group of a rollout with the scores that hold for all updates on it.

        Args:
            version: steps trained when the completions were sampled.
        """
        self._version_drawn = version
        rows = [row for of_group in rows_P for row in of_group]
        self._has_sampled_scores = self._reuses_rollouts or (self._has_dropout and self._are_compared(rows))
        if self._has_sampled_scores:
            rows = self._scored(rows, "sampled_logprobs", lambda: nullcontext(model))
        if self._reference is not None:
            rows = self._scored(rows, "reference_logprobs", self._reference)
        scored = iter(rows)
        return [[next(scored) for _ in of_group] for of_group in rows_P]

    def of_step(self, model: Any, rows: list[StepRow], *, version: int) -> list[StepRow]:
        """Return the rows with the log-probabilities of the policy as it is.

        Before the first update on a rollout it is the policy that has sampled.
        """
        if not (self._has_dropout and self._has_sampled_scores):
            return rows
        if version == self._version_drawn:
            return [replace(row, policy_logprobs=row.sampled_logprobs) for row in rows]
        with self._meter.phase("reference"), without_dropout(model):
            return self._step_pass.with_policy_scores(model, rows)

    def _are_compared(self, rows: list[StepRow]) -> bool:
        """Return whether the rollout's rows, of any rank, are compared with anything: ranks score together or not."""
        has_engines = any(row.rollout_logprobs is not None for row in rows)
        return self._reference is not None or self._step_pass.on_any_rank(has_engines)

    def _scored(self, rows: list[StepRow], name: str, opened: Reference) -> list[StepRow]:
        lengths = [len(row.completion_ids) for row in rows]
        with self._meter.phase("reference"), opened() as model, without_dropout(model):
            logprobs_B_T = self._step_pass.score(model, rows, num_columns=max([1, *lengths]))
        parts = zip(rows, logprobs_B_T, lengths, strict=True)
        return [replace(row, **{name: logprobs_T[:length]}) for row, logprobs_T, length in parts]
