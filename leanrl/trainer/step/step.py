"""A GRPO step in its order: from prompts to gradients, each completion with an advantage and a weight. Free of TRL.

    choose prompts -> plan rollouts -> draw -> grade and reward -> gather -> ledger -> keep rows (refill)
    -> advantages -> token credit -> scores to compare with -> weights -> engine -> after step

Every rank draws, grades and trains whole groups of its own. What decides about more than one group sees the numbers
of all ranks, so that all decide alike.

Axes: B completions, P groups, G completions of a group.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from leanrl.config.scheduled import resets_reference
from leanrl.config.schema import RunConfig
from leanrl.engine.rows import StepRow
from leanrl.ledger.recorded import RecordedLedger
from leanrl.seams.protocols import Group, PromptContext
from leanrl.trainer.passes.compared import ComparedScores
from leanrl.trainer.passes.skipped_steps import SkippedSteps
from leanrl.trainer.passes.step_pass import StepPass
from leanrl.trainer.ranks.among_ranks import Ranks
from leanrl.trainer.rollouts.length import LengthLimit
from leanrl.trainer.scoring.completions import CompletionScorer
from leanrl.trainer.step.algorithm import Algorithm
from leanrl.trainer.step.asking import Prompts
from leanrl.trainer.step.control import controlled, schedule_metrics, scheduled_settings
from leanrl.trainer.step.draw import Draw, drawn_groups
from leanrl.trainer.step.groups import Asked, KeptGroup, visit_of
from leanrl.trainer.step.rollout_metrics import RolloutLog
from leanrl.trainer.step.rounds import Rounds
from leanrl.trainer.step.state import StepState
from leanrl.trainer.step.training_rows import advantages_of, rows_of
from leanrl.trainer.step.updates import RolloutRows, has_rows, weighted_updates


@dataclass(kw_only=True)
class Step:
    """One step after another, with the decisions of `algorithm` on the completions that `draw` returns.

    Args:
        metered: opened around the passes with gradients.
        record: takes the values of metrics by their names.
        rolled_out: takes the log of each rollout.
        length: tells the limit of completions.
        reset_reference: makes the policy its own reference, and has the optimizer begin anew.
    """

    config: RunConfig
    algorithm: Algorithm
    prompts: Prompts
    draw: Draw
    scorer: CompletionScorer
    recorded: RecordedLedger
    state: StepState
    length: LengthLimit
    compared: ComparedScores
    step_pass: StepPass
    skipped: SkippedSteps
    ranks: Ranks
    metered: Callable[[], AbstractContextManager[None]]
    record: Callable[[Mapping[str, float]], None]
    rolled_out: Callable[[RolloutLog], None]
    reset_reference: Callable[[], None]

    def take(self, model: Any, *, policy: Any, step: int) -> Tensor:
        """Add the gradients of the step that follows `step` others, and return this rank's part of its loss.

        Args:
            model: exchanges gradients among the ranks.
            policy: the same weights, which no other rank is met in but where ranks share them.
        """
        rows = self.rows_of_update(policy, step=step)
        rows = self.compared.of_step(policy, rows, version=step)
        assert self.state.rollout is not None
        with self.metered():
            sums = self.step_pass.add_gradients(model, rows)
            self.record(self.step_pass.means(sums, rows))
            is_empty = self.state.rollout.is_empty(step)
            return self.skipped.checked(model, sums.loss, rows, is_empty=is_empty, step=step + 1)

    def end(self, metrics: Mapping[str, float], *, step: int) -> None:
        """Let a plug-in change keys of the loss by the metrics of the step that followed `step` others."""
        has_reference = self.config.algorithm.kl_beta != 0.0
        changes = self.algorithm.controls(metrics)
        self.step_pass.settings = controlled(self.step_pass.settings, changes, has_reference=has_reference)
        if (step + 1) % self.config.steps_per_rollout == 0:
            self.state.mark()

    def rows_of_update(self, policy: Any, *, step: int) -> list[StepRow]:
        """Return this rank's rows; a rollout serves `config.steps_per_rollout` updates."""
        if self.state.rollout is None or step % self.config.steps_per_rollout == 0:
            self.state.rollout = self.roll_out(policy, step=step)
            self.rolled_out(self.state.rollout.log)
        return self.state.rollout.rows(step)

    def roll_out(self, policy: Any, *, step: int) -> RolloutRows:
        """Draw a rollout after `step` optimizer steps and return its rows, ready for the engine."""
        self.state.mark()
        if resets_reference(self.config, step):
            self.reset_reference()
        self.step_pass.settings = scheduled_settings(self.step_pass.settings, self.config, step)
        self.record(schedule_metrics(self.config, step, max_completion_tokens=self.length.at(step)))
        log = RolloutLog()
        kept = self._kept_groups(step, log)
        self.record(self.scorer.metrics(log.groups))
        advantages_P = advantages_of(kept, self.algorithm, self.ranks)
        rows_P = rows_of(kept, advantages_P, self.algorithm, masks_truncated=self.config.algorithm.mask_truncated)
        rows_P = self.compared.of_rollout(policy, rows_P, version=step)
        log.close([one.asked for one in kept], advantages_P, columns=self.scorer.logs.take_columns())
        self.length.close_rollout()
        updates = weighted_updates(rows_P, [one.kept.copies for one in kept], config=self.config, ranks=self.ranks)
        return RolloutRows(updates, has_rows(updates, self.ranks), log)

    def _kept_groups(self, step: int, log: RolloutLog) -> list[KeptGroup]:
        """Return this rank's groups to train on, drawn in as many rounds as the algorithm asks for."""
        rounds = Rounds(self.algorithm, self.ranks, num_prompts=self.config.train.num_prompts)
        while rounds.num_wanted > 0:
            context = self.prompts.context(step, num_wanted=rounds.num_wanted)
            numbers = self.prompts.chosen(context)
            asked = self.prompts.planned(self.ranks.own_part(numbers), context)
            groups = self._graded(asked, context, log)
            self._remember(groups, numbers, context)
            rounds.keep(asked, groups)
        return rounds.first_groups()

    def _graded(self, asked: list[Asked], context: PromptContext, log: RolloutLog) -> list[Group]:
        limit = self.length.at(context.step)
        drawn = drawn_groups(asked, self.draw, max_tokens=limit)
        scored = self.scorer.score(
            asked, drawn.completion_ids_P_G, ledger=self.recorded.ledger, max_completion_tokens=limit
        )
        log.groups += scored
        return [
            one.finished(ids_G, logprobs_G, rng=context.rng(one.asked.prompt_id))
            for one, ids_G, logprobs_G in zip(scored, drawn.completion_ids_P_G, drawn.logprobs_P_G, strict=True)
        ]

    def _remember(self, groups: list[Group], numbers: list[int], context: PromptContext) -> None:
        """Put the groups of all ranks into the ledger, those that will be dropped too."""
        own = [(group.prompt_id, visit_of(group, step=context.step, epoch=context.epoch)) for group in groups]
        visits = self.ranks.gather(own)
        self.recorded.record(visits, problems=self.prompts.problems(numbers))
        self.algorithm.hear(visits, context)
        self.length.hear([visit for _, visit in visits])
