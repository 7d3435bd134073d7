"""A GRPO step in its order: from prompts to rows of the engine, each with an advantage and a weight. Free of TRL.

    choose prompts -> plan rollouts -> draw -> grade and reward -> gather -> ledger -> keep rows (refill)
    -> advantages -> token credit -> scores to compare with -> weights -> engine -> after step

Every rank draws, grades and trains whole groups of its own. What decides about more than one group sees the numbers
of all ranks, so that all decide alike.

Axes: B completions, P groups, G completions of a group.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.engine.rows import StepRow
from leanrl.engine.settings import LossSettings
from leanrl.ledger.recorded import RecordedLedger
from leanrl.seams.protocols import Group, PromptContext
from leanrl.storage.checkpoint_files import ALGORITHM_STATE
from leanrl.storage.run_folder import read_json, write_json
from leanrl.trainer.passes.compared import ComparedScores
from leanrl.trainer.scoring.completions import CompletionScorer
from leanrl.trainer.step.algorithm import Algorithm
from leanrl.trainer.step.among_ranks import Ranks
from leanrl.trainer.step.asking import chosen_prompts, planned_prompts
from leanrl.trainer.step.control import controlled, controlled_values
from leanrl.trainer.step.draw import Draw, drawn_groups
from leanrl.trainer.step.groups import Asked, KeptGroup, visit_of
from leanrl.trainer.step.prompt_stream import PromptStream
from leanrl.trainer.step.rollout_metrics import RolloutLog
from leanrl.trainer.step.training_rows import advantages_of, first_groups, rows_of
from leanrl.trainer.step.updates import weighted_updates
from leanrl.types import Row, prompt_id


@dataclass(frozen=True)
class Rollout:
    """A rollout's rows of this rank, one list for each update on it, and what of it is worth a record.

    `has_rows` says whether any rank has one.
    """

    updates: list[list[StepRow]]
    log: RolloutLog
    has_rows: bool


class Step:
    """The decisions of a step, taken by `algorithm`, on the completions that `draw` returns."""

    def __init__(
        self,
        config: RunConfig,
        *,
        algorithm: Algorithm,
        rows: Sequence[Row],
        stream: PromptStream,
        tokenize: Callable[[Row], list[int]],
        draw: Draw,
        scorer: CompletionScorer,
        compared: ComparedScores,
        recorded: RecordedLedger,
        ranks: Ranks,
    ) -> None:
        self.config = config
        self.algorithm = algorithm
        self.rows = rows
        self.stream = stream
        self.recorded = recorded
        self._tokenize = tokenize
        self._draw = draw
        self._scorer = scorer
        self.compared = compared
        self._ranks = ranks
        self._begun = self._state()

    def roll_out(self, model: Any, *, step: int) -> Rollout:
        """Draw a rollout after `step` optimizer steps and return its rows, ready for the engine."""
        self.finish()
        log = RolloutLog()
        kept = self._kept_groups(step, log)
        advantages_P = advantages_of(kept, self.algorithm, self._ranks)
        masks_truncated = self.config.algorithm.mask_truncated
        rows_P = rows_of(kept, advantages_P, self.algorithm, masks_truncated=masks_truncated)
        rows_P = self._scored(model, rows_P, step)
        log.close([one.asked for one in kept], advantages_P, columns=self._scorer.logs.take_columns())
        updates = weighted_updates(
            rows_P,
            [one.kept.copies for one in kept],
            num_updates=self.config.train.updates_per_rollout,
            ranks=self._ranks,
            aggregation=self.config.algorithm.aggregation,
            max_completion_tokens=self.config.rollout.max_completion_tokens,
        )
        return Rollout(updates, log, has_rows=any(self._ranks.gather([bool(kept)])))

    def save(self, folder: Path, settings: LossSettings, *, step: int) -> None:
        """Write what a run goes on with after `step` steps into a checkpoint; the same on every rank.

        Within a rollout that is the state before it: a resumed run draws it again.
        """
        write_json(folder / ALGORITHM_STATE, {**self._begun, "settings": controlled_values(settings)})
        self.recorded.save(folder, step=step)

    def load(self, folder: Path, settings: LossSettings, *, num_rollouts: int) -> LossSettings:
        """Go on from a checkpoint and return the settings as they were; an older one only knows how far it was."""
        self.recorded.restore(folder)
        if not (folder / ALGORITHM_STATE).is_file():
            for _ in range(num_rollouts):
                self.stream.take(self.config.train.num_prompts)
            self.finish()
            return settings
        state = read_json(folder / ALGORITHM_STATE)
        self.stream.load_state_dict(state["prompts"])
        self.algorithm.load_state_dict(state["plugins"])
        self._scorer.state.update(state["rewards"])
        self.finish()
        return controlled(settings, state["settings"])

    def finish(self) -> None:
        """Take the state for that between two rollouts."""
        self._begun = self._state()

    def _state(self) -> dict[str, Any]:
        state = {
            "prompts": self.stream.state_dict(),
            "plugins": self.algorithm.state_dict(),
            "rewards": self._scorer.state,
        }
        return deepcopy(state)

    def _kept_groups(self, step: int, log: RolloutLog) -> list[KeptGroup]:
        """Return this rank's groups to train on, drawn in as many rounds as the algorithm asks for."""
        wanted = self.config.train.num_prompts
        kept_by_round: list[list[KeptGroup]] = []
        num_drawn, asked = 0, wanted
        while asked > 0:
            context = self._context(step, num_wanted=asked)
            prompts = chosen_prompts(self.stream, self.rows, self.algorithm, context)
            own = self._ranks.own_part(prompts)
            planned = planned_prompts(own, self.rows, self.algorithm, context, tokenize=self._tokenize)
            groups = self._graded(planned, context, log)
            self._remember(groups, prompts, context)
            kept = [
                KeptGroup(one, group, self.algorithm.keeps(group)) for one, group in zip(planned, groups, strict=True)
            ]
            kept_by_round.append([one for one in kept if one.kept.rows])
            num_drawn += len(prompts)
            num_kept = sum(self._ranks.gather([sum(map(len, kept_by_round))]))
            dropped_share = 1 - num_kept / num_drawn
            asked = self._whole(self.algorithm.refills(wanted, num_kept, dropped_share, len(kept_by_round)))
        return first_groups(kept_by_round, wanted, self._ranks)

    def _graded(self, asked: list[Asked], context: PromptContext, log: RolloutLog) -> list[Group]:
        drawn = drawn_groups(asked, self._draw, max_tokens=self.config.rollout.max_completion_tokens)
        scored = self._scorer.score(asked, drawn.completion_ids_P_G, ledger=self.recorded.ledger)
        log.groups += scored
        return [
            Group(
                prompt_id=one.asked.prompt_id,
                samples_G=one.samples_G,
                completion_ids_G=ids_G,
                rewards_G=one.sums_G,
                correct_G=one.correct,
                rng=context.rng(one.asked.prompt_id),
                rollout_logprobs_G=logprobs_G,
            )
            for one, ids_G, logprobs_G in zip(scored, drawn.completion_ids_P_G, drawn.logprobs_P_G, strict=True)
        ]

    def _remember(self, groups: list[Group], prompts: list[int], context: PromptContext) -> None:
        """Put the groups of all ranks into the ledger, those that will be dropped too."""
        own = [(group.prompt_id, visit_of(group, step=context.step, epoch=context.epoch)) for group in groups]
        visits = self._ranks.gather(own)
        asked = [self.rows[number] for number in prompts]
        self.recorded.record(visits, problems={prompt_id(row): row.problem for row in asked})
        self.algorithm.hear(visits, context)

    def _scored(self, model: Any, rows_P: list[list[StepRow]], step: int) -> list[list[StepRow]]:
        """Return the rows with the log-probabilities that the policy's are compared with."""
        scored = iter(self.compared.of_rollout(model, [row for rows in rows_P for row in rows], version=step))
        return [[next(scored) for _ in rows] for rows in rows_P]

    def _context(self, step: int, *, num_wanted: int) -> PromptContext:
        seed = self.config.train.seed
        return PromptContext(
            step=step,
            epoch=max(0, self.stream.num_epochs - 1),
            num_wanted=num_wanted,
            ledger=self.recorded.ledger,
            rng=lambda known: Random(f"{seed}/{step}/{known}"),
        )

    def _whole(self, num_prompts: int) -> int:
        """Return the next number of prompts that the ranks can share evenly."""
        return -(-num_prompts // self._ranks.count) * self._ranks.count
