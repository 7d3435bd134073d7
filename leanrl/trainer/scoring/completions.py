"""CompletionScorer: completions of one rank as samples with rewards and verdicts, and the metrics of a rollout.

Axes: P groups of this rank, G completions of a group.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from leanrl.prompting.rendering import completion_texts
from leanrl.rewards.text.fourgrams import repeated_4gram_share
from leanrl.rewards.text.language import language_share, other_script_share
from leanrl.rewards.weighted import Reward
from leanrl.trainer.ranks.among_ranks import Ranks
from leanrl.trainer.scoring.reward_logs import RewardLogs
from leanrl.trainer.scoring.scoring import ScoredGroup, score_groups
from leanrl.trainer.step.groups import Asked
from leanrl.types import FORMS, Grader, GroupFacts, Language, Ledger, Row, Sample


@dataclass(frozen=True)
class CompletionScorer:
    """Scores completions round by round, and measures verdicts and languages of a rollout on all ranks.

    Args:
        rows: the problems, by their numbers.
        tokenizer: makes texts of tokens.
        opened_tag: the thinking tag that completions begin inside of, such as `<think>`; "" for none.
        language: of the answers; words of others are counted.
        stop_ids: the tokens that end a completion.
        logs: takes what rewards of TRL's kind log.
        metered: opened around all of it.
        state: of group rewards; it lies in checkpoints.
    """

    rows: Sequence[Row]
    rewards: Sequence[Reward]
    grader: Grader
    ranks: Ranks
    tokenizer: Any
    opened_tag: str
    language: Language
    stop_ids: Sequence[int]
    logs: RewardLogs
    metered: Callable[[], AbstractContextManager[None]] = nullcontext
    state: dict[str, Any] = field(default_factory=dict)

    def score(
        self,
        asked: Sequence[Asked],
        completion_ids_P_G: Sequence[Sequence[Sequence[int]]],
        *,
        ledger: Ledger,
        max_completion_tokens: int,
    ) -> list[ScoredGroup]:
        """Return this rank's groups with their scores; each completion is graded once, and was cut at a limit."""
        with self.metered():
            samples_P_G = self._samples(asked, completion_ids_P_G, max_completion_tokens)
            return score_groups(
                asked,
                samples_P_G,
                rewards=self.rewards,
                grader=self.grader,
                ranks=self.ranks,
                history=GroupFacts("", ledger, self.state),
                offers=self.logs.offers(),
            )

    def metrics(self, groups: Sequence[ScoredGroup]) -> dict[str, float]:
        """Return the metrics of a rollout, over its rounds and all ranks: each completion counts once.

        Args:
            groups: this rank's, of every round.
        """
        samples = [sample for one in groups for sample in one.samples_G]
        return {
            **self._verdict_shares(groups),
            **self._language_mix(samples),
            **self._drift(samples),
            **self.logs.take_metrics(self.ranks.gather),
        }

    def _samples(
        self, asked: Sequence[Asked], completion_ids_P_G: Sequence[Sequence[Sequence[int]]], limit: int
    ) -> list[list[Sample]]:
        texts = iter(completion_texts(self.tokenizer, [ids for ids_G in completion_ids_P_G for ids in ids_G]))
        return [
            [self._sample(self.rows[one.row_number], ids, next(texts), limit) for ids in ids_G]
            for one, ids_G in zip(asked, completion_ids_P_G, strict=True)
        ]

    def _sample(self, row: Row, ids: Sequence[int], text: str, limit: int) -> Sample:
        return Sample(
            problem=row.problem,
            gold=row.gold,
            text=text,
            num_tokens=len(ids),
            max_completion_tokens=limit,
            is_truncated=not ids or ids[-1] not in self.stop_ids,
            token_ids=ids,
            opened_tag=self.opened_tag,
            prompt=row.prompt,
            columns=row.columns,
        )

    def _verdict_shares(self, groups: Sequence[ScoredGroup]) -> dict[str, float]:
        verdicts = [verdict for one in groups for verdict in one.verdicts_G]
        reasons = self.ranks.gather([verdict.reason for verdict in verdicts if verdict is not None])
        known = sorted({*reasons, *FORMS} if reasons else ())
        return {f"verdicts/{reason}": reasons.count(reason) / len(reasons) for reason in known}

    def _language_mix(self, samples: Sequence[Sample]) -> dict[str, float]:
        """Return the fraction of words in other languages than `log.language`: it rises before a run drifts away."""
        shares = self.ranks.gather([language_share(sample.text, self.language) for sample in samples])
        in_words = [share for share in shares if share is not None]
        return {"language_mix_share": 1 - sum(in_words) / len(in_words) if in_words else 0.0}

    def _drift(self, samples: Sequence[Sample]) -> dict[str, float]:
        """Return letters in other scripts and repeated 4-grams of tokens, in the mean of all completions."""
        pairs = self.ranks.gather(
            [
                (other_script_share(sample.text, self.language), repeated_4gram_share(sample.token_ids))
                for sample in samples
            ]
        )
        in_letters = [share for share, _ in pairs if share is not None]
        return {
            "other_script_share": fmean(in_letters) if in_letters else 0.0,
            "repeated_4gram_share": fmean(share for _, share in pairs) if pairs else 0.0,
        }
