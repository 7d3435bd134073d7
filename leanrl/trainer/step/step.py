"""A GRPO step in its order: from prompts to gradients, each completion with an advantage and a weight. Free of TRL.

    choose prompts -> plan rollouts -> draw -> grade and reward -> gather -> ledger -> keep rows (refill)
    -> advantages -> token credit -> scores to compare with -> weights -> engine -> after step

Every rank draws, grades and trains whole groups of its own. What decides about more than one group sees the numbers
of all ranks, so that all decide alike.

Axes: B completions, P groups, G completions of a group.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from leanrl.config.scheduled import resets_reference, scheduled, scheduled_values
from leanrl.config.schema import RunConfig
from leanrl.engine.rows import StepRow
from leanrl.ledger.recorded import RecordedLedger
from leanrl.seams.protocols import Group, PromptContext
from leanrl.trainer.passes.compared import ComparedScores
from leanrl.trainer.passes.skipped_steps import SkippedSteps
from leanrl.trainer.passes.step_pass import StepPass
from leanrl.trainer.rollouts.length import LengthLimit
from leanrl.trainer.scoring.completions import CompletionScorer
from leanrl.trainer.step.algorithm import Algorithm
from leanrl.trainer.step.among_ranks import Ranks
from leanrl.trainer.step.asking import Contexts, chosen_prompts, planned_prompts
from leanrl.trainer.step.control import controlled, scheduled_settings
from leanrl.trainer.step.draw import Draw, drawn_groups
from leanrl.trainer.step.groups import Asked, KeptGroup, visit_of
from leanrl.trainer.step.prompt_stream import PromptStream
from leanrl.trainer.step.rollout_metrics import RolloutLog
from leanrl.trainer.step.state import StepState
from leanrl.trainer.step.training_rows import advantages_of, first_groups, rows_of
from leanrl.trainer.step.unfinished import load_unfinished, save_unfinished
from leanrl.trainer.step.updates import RolloutRows, has_rows, weighted_updates
from leanrl.types import Row, prompt_id


@dataclass(kw_only=True)
class Step:
    """One step after another, with the decisions of `algorithm` on the completions that `draw` returns.

    Args:
        rows: the problems, by the numbers that `stream` offers.
        contexts: what plug-ins are told of a step.
        metered: opened around the passes with gradients.
        record: takes the name and the value of a metric.
        rolled_out: takes the log of each rollout.
        length: tells the limit of completions.
        reset_reference: makes the policy its own reference, and has the optimizer begin anew.
    """

    config: RunConfig
    algorithm: Algorithm
    rows: Sequence[Row]
    stream: PromptStream
    contexts: Contexts
    tokenize: Callable[[Row], list[int]]
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
    record: Callable[[str, float], None]
    rolled_out: Callable[[RolloutLog], None]
    reset_reference: Callable[[], None]
    _rollout: RolloutRows | None = field(default=None, init=False)

    def take(self, model: Any, *, policy: Any, step: int) -> Tensor:
        """Add the gradients of the step that follows `step` others, and return this rank's part of its loss.

        Args:
            model: exchanges gradients among the ranks.
            policy: the same weights, which no other rank is met in but where ranks share them.
        """
        rows = self.rows_of_update(policy, step=step)
        rows = self.compared.of_step(policy, rows, version=step)
        assert self._rollout is not None
        with self.metered():
            sums = self.step_pass.add_gradients(model, rows)
            for name, value in self.step_pass.means(sums, rows).items():
                self.record(name, value)
            is_empty = self._rollout.is_empty(step)
            return self.skipped.checked(model, sums.loss, rows, is_empty=is_empty, step=step + 1)

    def end(self, metrics: Mapping[str, float], *, step: int) -> None:
        """Let a plug-in change keys of the loss by the metrics of the step that followed `step` others."""
        has_reference = self.config.algorithm.kl_beta != 0.0
        changes = self.algorithm.controls(metrics)
        self.step_pass.settings = controlled(self.step_pass.settings, changes, has_reference=has_reference)
        if (step + 1) % self.config.steps_per_rollout == 0:
            self.state.mark()

    def go_on_from(self, checkpoint: Path, *, step: int) -> None:
        """Take the state of the checkpoint of a step, and the rollout that it is in the middle of.

        A rollout that is in hand is of another policy.
        """
        self.state.load(checkpoint, step=step)
        self._rollout = None
        unfinished = load_unfinished(checkpoint, self.ranks)
        if unfinished is not None:
            self._rollout = unfinished.rollout
            self.state.take(unfinished.states["step"])
            self.compared.load_state_dict(unfinished.states["compared"])
            temperature = scheduled(self.config, step).logprob_temperature
            self.step_pass.settings = replace(self.step_pass.settings, temperature=temperature)

    def save_unfinished(self, folder: Path, *, step: int) -> None:
        """Write this rank's rows of the rollout in hand into the checkpoint of a step, where updates on it follow."""
        if self._rollout is None or step % self.config.steps_per_rollout == 0:
            return
        shows_samples = self.config.log.completions_every_steps > 0
        records = list(self._rollout.log.records(list(self.config.rewards))) if shows_samples else []
        states = {"step": self.state.now(), "compared": self.compared.state_dict()}
        save_unfinished(folder, self._rollout, self.ranks, records=records, states=states)

    @property
    def log(self) -> RolloutLog:
        """The log of the rollout in hand; an empty one between two."""
        return RolloutLog() if self._rollout is None else self._rollout.log

    def rows_of_update(self, policy: Any, *, step: int) -> list[StepRow]:
        """Return this rank's rows; a rollout serves `config.steps_per_rollout` updates."""
        if self._rollout is None or step % self.config.steps_per_rollout == 0:
            self._rollout = self.roll_out(policy, step=step)
            self.rolled_out(self._rollout.log)
        return self._rollout.rows(step)

    def roll_out(self, policy: Any, *, step: int) -> RolloutRows:
        """Draw a rollout after `step` optimizer steps and return its rows, ready for the engine."""
        self.state.mark()
        if resets_reference(self.config, step):
            self.reset_reference()
        self._follow_schedules(step)
        log = RolloutLog()
        kept = self._kept_groups(step, log)
        advantages_P = advantages_of(kept, self.algorithm, self.ranks)
        rows_P = rows_of(kept, advantages_P, self.algorithm, masks_truncated=self.config.algorithm.mask_truncated)
        rows_P = self.compared.of_rollout(policy, rows_P, version=step)
        log.close([one.asked for one in kept], advantages_P, columns=self.scorer.logs.take_columns())
        self.length.close_rollout()
        updates = weighted_updates(rows_P, [one.kept.copies for one in kept], config=self.config, ranks=self.ranks)
        return RolloutRows(updates, has_rows(updates, self.ranks), log)

    def _follow_schedules(self, step: int) -> None:
        """Take the values that hold in the rollout after `step` optimizer steps."""
        config = scheduled(self.config, step)
        self.step_pass.settings = scheduled_settings(self.step_pass.settings, config)
        for name, value in scheduled_values(self.config, step).items():
            self.record(f"schedule/{name}", value)
        if self.config.schedules.automatic_length.from_tokens is not None:
            self.record("schedule/max_completion_tokens", self.length.at(step))
        every = self.config.schedules.reset_reference_every_steps
        if every is not None:
            self.record("schedule/reference_step", step - step % every)

    def _kept_groups(self, step: int, log: RolloutLog) -> list[KeptGroup]:
        """Return this rank's groups to train on, drawn in as many rounds as the algorithm asks for."""
        wanted = self.config.train.num_prompts
        kept_by_round: list[list[KeptGroup]] = []
        num_drawn, asked = 0, wanted
        while asked > 0:
            context = self.contexts.at(step, num_wanted=asked)
            prompts = chosen_prompts(self.stream, self.rows, self.algorithm, context)
            own = self.ranks.own_part(prompts)
            planned = planned_prompts(own, self.rows, self.algorithm, context, tokenize=self.tokenize)
            groups = self._graded(planned, context, log)
            self._remember(groups, prompts, context)
            kept = [
                KeptGroup(one, group, self.algorithm.keeps(group)) for one, group in zip(planned, groups, strict=True)
            ]
            kept_by_round.append([one for one in kept if one.kept.rows])
            num_drawn += len(prompts)
            num_kept = sum(self.ranks.gather([sum(map(len, kept_by_round))]))
            dropped_share = 1 - num_kept / num_drawn
            asked = self.ranks.whole(self.algorithm.refills(wanted, num_kept, dropped_share, len(kept_by_round)))
        return first_groups(kept_by_round, wanted, self.ranks)

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

    def _remember(self, groups: list[Group], prompts: list[int], context: PromptContext) -> None:
        """Put the groups of all ranks into the ledger, those that will be dropped too."""
        own = [(group.prompt_id, visit_of(group, step=context.step, epoch=context.epoch)) for group in groups]
        visits = self.ranks.gather(own)
        asked = [self.rows[number] for number in prompts]
        self.recorded.record(visits, problems={prompt_id(row): row.problem for row in asked})
        self.algorithm.hear(visits, context)
        self.length.hear([visit for _, visit in visits])
