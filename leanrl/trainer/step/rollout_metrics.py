"""What a rollout says of itself: rewards, lengths and ends of its completions, over all ranks.

Axes: B completions of all ranks, G completions of a group, K rewards.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor

from leanrl.algorithms.advantages import spread
from leanrl.trainer.scoring.scoring import ScoredGroup
from leanrl.trainer.step.groups import Asked

Gather = Callable[[list[Any]], list[Any]]


class RolloutLog:
    """The finished groups of one rank, and what is recorded of those of all ranks.

    `advantages_P_G` are None for a group that is not trained; `columns` are what rewards have logged of completions.
    """

    def __init__(self) -> None:
        self.groups: list[ScoredGroup] = []
        self.advantages_P_G: list[list[float] | None] = []
        self.columns: dict[str, list[Any]] = {}

    def close(self, trained: Sequence[Asked], advantages_P: Sequence[Tensor], *, columns: dict[str, list[Any]]) -> None:
        """Take what is known when the rollout is ready: the advantages of the groups that are trained."""
        found = {id(asked): values_G.tolist() for asked, values_G in zip(trained, advantages_P, strict=True)}
        self.advantages_P_G = [found.get(id(one.asked)) for one in self.groups]
        self.columns = columns

    def metrics(self, reward_names: Sequence[str], gather: Gather) -> dict[str, float]:
        """Return the metrics by TRL's names; the groups that are not trained count too."""
        facts = gather([_facts(one) for one in self.groups])
        rewards_B_K = torch.tensor([row for fact in facts for row in fact["rewards_G_K"]], dtype=torch.float32)
        sums_P_G = [torch.tensor(fact["sums_G"], dtype=torch.float32) for fact in facts]
        sums_B = torch.cat(sums_P_G)
        lengths_B = torch.tensor([length for fact in facts for length in fact["lengths_G"]], dtype=torch.float32)
        ends_B = torch.tensor([end for fact in facts for end in fact["truncated_G"]], dtype=torch.float32)
        is_flat = [bool(spread(sums_G[None]).isclose(torch.zeros(1)).any()) for sums_G in sums_P_G]
        return {
            **_reward_metrics(rewards_B_K, reward_names),
            "reward": sums_B.nanmean().item(),
            "reward_std": spread(sums_B[None]).item(),
            "frac_reward_zero_std": sum(is_flat) / len(is_flat),
            "unscored_share": sums_B.isnan().float().mean().item(),
            "completions/clipped_ratio": ends_B.mean().item(),
            "completions/mean_length": lengths_B.mean().item(),
            "completions/min_length": lengths_B.min().item(),
            "completions/max_length": lengths_B.max().item(),
            "drawn_tokens": float(sum(fact["num_tokens"] for fact in facts)),
        }

    def records(self, reward_names: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield what the completions file keeps of each completion; one that is not trained has no advantage."""
        number = 0
        for one, advantages_G in zip_longest(self.groups, self.advantages_P_G):
            for place, sample in enumerate(one.samples_G):
                verdict = one.verdicts_G[place]
                yield {
                    **{name: values[number] for name, values in self.columns.items() if number < len(values)},
                    "problem": sample.problem,
                    "gold": str(sample.gold),
                    "completion": sample.text,
                    "num_tokens": sample.num_tokens,
                    "rewards": dict(zip(reward_names, one.rewards_G_K[place], strict=True)),
                    "advantage": None if advantages_G is None else advantages_G[place],
                    "verdict": None if verdict is None else verdict.reason,
                }
                number += 1


def _facts(one: ScoredGroup) -> Mapping[str, Any]:
    return {
        "rewards_G_K": one.reward_numbers,
        "sums_G": one.sums_G,
        "lengths_G": [sample.num_tokens for sample in one.samples_G],
        "truncated_G": [sample.is_truncated for sample in one.samples_G],
        "num_tokens": sum(len(one.asked.prompt_ids) + sample.num_tokens for sample in one.samples_G),
    }


def _reward_metrics(rewards_B_K: Tensor, reward_names: Sequence[str]) -> dict[str, float]:
    metrics = {}
    for name, rewards_B in zip(reward_names, rewards_B_K.T, strict=True):
        metrics[f"rewards/{name}/mean"] = rewards_B.nanmean().item()
        metrics[f"rewards/{name}/std"] = spread(rewards_B[None]).item()
    return metrics
