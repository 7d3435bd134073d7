"""CompletionScorer: completions of one rank, as samples with rewards and verdicts, and what is logged of them.

Axes: B completions of one rank, K rewards.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leanrl.prompting.rendering import completion_texts
from leanrl.prompting.thinking import special_tag_ids
from leanrl.rewards.text.language import language_share
from leanrl.rewards.weighted import Reward
from leanrl.trainer.step.scoring import Ranks, Scores, score_samples
from leanrl.types import FORMS, Grader, Language, Row, Sample

# Before the name of what a reward of TRL's kind logs; metrics.jsonl has it under the word.
REWARD_METRICS = "reward_metrics/"


@dataclass(frozen=True)
class Completions:
    """What one rank sampled for its prompts: a line of the dataset, the text and the tokens of each."""

    row_numbers_B: Sequence[int]
    texts_B: Sequence[str]
    ids_B: Sequence[Sequence[int]]


@dataclass(frozen=True)
class CompletionScorer:
    """Scores completions, and records the shares of verdicts and languages among those of all ranks.

    Args:
        rows: the problems, by their numbers.
        opened_tag: the thinking tag that completions begin inside of, such as `<think>`; "" for none.
        language: of the answers; words of others are counted.
        stop_ids: the tokens that end a completion.
        max_completion_tokens: where completions are cut.
        gather: concatenates lists of all ranks.
        record: takes the name and the value of a metric.
    """

    rows: Sequence[Row]
    rewards: Sequence[Reward]
    grader: Grader
    ranks: Ranks
    opened_tag: str
    language: Language
    stop_ids: Sequence[int]
    max_completion_tokens: int
    gather: Callable[[list[Any]], list[Any]]
    record: Callable[[str, float], None]

    def score(
        self, completions: Completions, *, offers: Mapping[str, Any] | None = None
    ) -> tuple[list[Sample], Scores]:
        """Return this rank's samples and their scores; each completion is graded once."""
        samples = self._samples(completions)
        scores = score_samples(samples, rewards=self.rewards, grader=self.grader, ranks=self.ranks, offers=offers or {})
        self._record_reasons(scores)
        self._record_language_mix(samples)
        return samples, scores

    def _samples(self, completions: Completions) -> list[Sample]:
        parts = zip(completions.row_numbers_B, completions.texts_B, completions.ids_B, strict=True)
        return [
            Sample(
                problem=self.rows[number].problem,
                gold=self.rows[number].gold,
                text=text,
                num_tokens=len(ids),
                max_completion_tokens=self.max_completion_tokens,
                is_truncated=not ids or ids[-1] not in self.stop_ids,
                token_ids=ids,
                opened_tag=self.opened_tag,
                prompt=self.rows[number].prompt,
                columns=self.rows[number].columns,
            )
            for number, text, ids in parts
        ]

    def _record_reasons(self, scores: Scores) -> None:
        reasons = self.gather([verdict.reason for verdict in scores.verdicts_B if verdict is not None])
        for reason in sorted({*reasons, *FORMS} if reasons else ()):
            self.record(f"verdicts/{reason}", reasons.count(reason) / len(reasons))

    def _record_language_mix(self, samples: Sequence[Sample]) -> None:
        """Record the share of words in other languages than `log.language`: it rises before a run drifts away."""
        shares = self.gather([language_share(sample.text, self.language) for sample in samples])
        in_words = [share for share in shares if share is not None]
        self.record("language_mix_share", 1 - sum(in_words) / len(in_words) if in_words else 0.0)


def completions_of(
    inputs: Sequence[Mapping[str, Any]], completions: Sequence[Any], ids_B: Sequence[Sequence[int]], tokenizer: Any
) -> Completions:
    """Return TRL's three lists as one value; a completion is a text, or a conversation that ends with it.

    TRL's texts lack all special tokens. Where thinking tags are special, the texts are made of the tokens.
    """
    texts_B = [one if isinstance(one, str) else one[-1]["content"] for one in completions]
    return Completions(
        row_numbers_B=[fields["row"] for fields in inputs],
        texts_B=completion_texts(tokenizer, ids_B) if special_tag_ids(tokenizer) else texts_B,
        ids_B=ids_B,
    )


def offers_of(trainer: Any) -> dict[str, Any]:
    """Return what TRL's trainer hands its reward functions beside completions and columns (trl 1.16)."""
    return {
        "trainer_state": trainer.state,
        "log_extra": trainer._log_completion_extra,
        "log_metric": lambda name, value: trainer._log_metric(f"{REWARD_METRICS}{name}", value),
    }


class NamedReward:
    """Gives TRL a reward's name; the values come from `CompletionScorer`."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, **_: Any) -> list[float]:
        raise AssertionError("TRL called a reward by itself; the seam _calculate_rewards has moved.")
