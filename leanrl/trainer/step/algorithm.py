"""Algorithm: the plug-ins of a run, made once, called with their errors named, and their state."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from leanrl.config.schema import RunConfig
from leanrl.config.sections.algorithm import Seam
from leanrl.errors import LeanRLError, PluginError
from leanrl.rewards.custom.calls import defined_at, raised_at
from leanrl.seams.protocols import Draft, Group, Kept, Plugin, PromptContext, TokenCredit, Visits
from leanrl.seams.registry import SEAMS, make_plugin


@dataclass(frozen=True)
class Algorithm:
    """What decides in a step; a seam without a plug-in does what its Protocol says."""

    plugins: Mapping[Seam, Plugin]
    num_completions: int

    def chooses(self, prompt_ids: Sequence[str], context: PromptContext) -> list[bool]:
        """Return for each prompt whether it is asked."""
        if "choose_prompts" not in self.plugins:
            return [True] * len(prompt_ids)
        return self._listed("choose_prompts", len(prompt_ids), prompt_ids, context)

    def hear(self, visits: Visits, context: PromptContext) -> None:
        """Tell the plug-in that chooses prompts how the groups went."""
        listener = getattr(self.plugins.get("choose_prompts"), "after_groups", None)
        if listener is not None:
            _called("choose_prompts", listener, visits, context)

    def drafts(self, prompt_id: str, context: PromptContext) -> list[Draft]:
        """Return how each completion of a prompt begins."""
        if "plan_rollouts" not in self.plugins:
            return [Draft()] * self.num_completions
        drafts = list(self._call("plan_rollouts", prompt_id, context))
        if len(drafts) < 2:
            raise self._wrong("plan_rollouts", f"{len(drafts)} drafts; a group has at least 2 completions")
        return drafts

    def keeps(self, group: Group) -> Kept:
        """Return which rows of a group are trained."""
        if "keep_rows" not in self.plugins:
            return Kept(tuple(range(len(group.rewards_G))))
        kept = self._call("keep_rows", group)
        rows = list(kept.rows)
        if rows != sorted(set(rows)) or not all(0 <= row < len(group.rewards_G) for row in rows):
            raise self._wrong("keep_rows", f"the rows {rows} of a group of {len(group.rewards_G)}")
        if not (math.isfinite(kept.copies) and kept.copies > 0):
            raise self._wrong("keep_rows", f"{kept.copies} copies of a group")
        return kept

    def refills(self, groups_wanted: int, groups_kept: int, dropped_share: float, round_number: int) -> int:
        """Return how many prompts are drawn in the place of dropped groups."""
        if "refill" not in self.plugins:
            return 0
        asked = self._call("refill", groups_wanted, groups_kept, dropped_share, round_number)
        return max(0, min(int(asked), groups_wanted))

    def advantages(self, rewards_P_G: Tensor, lengths_P_G: Tensor) -> Tensor:
        """Return advantages_P_G."""
        advantages_P_G = self._call("advantage", rewards_P_G, lengths_P_G)
        if tuple(advantages_P_G.shape) != tuple(rewards_P_G.shape):
            found = f"advantages of shape {tuple(advantages_P_G.shape)} for rewards of {tuple(rewards_P_G.shape)}"
            raise self._wrong("advantage", found)
        if not advantages_P_G.isfinite().all():
            raise self._wrong("advantage", "an advantage that is not finite")
        return advantages_P_G

    def credits(self, group: Group, advantages_G: Tensor) -> list[TokenCredit]:
        """Return the credit of each completion of a group."""
        size = len(group.completion_ids_G)
        if "credit_tokens" not in self.plugins:
            return [TokenCredit()] * size
        credits = self._listed("credit_tokens", size, group, advantages_G)
        for credit, ids in zip(credits, group.completion_ids_G, strict=True):
            for values_T in (credit.advantages_T, credit.weights_T):
                if values_T is not None and not (values_T.shape == (len(ids),) and bool(values_T.isfinite().all())):
                    found = f"{tuple(values_T.shape)} numbers for {len(ids)} tokens, or one that is not finite"
                    raise self._wrong("credit_tokens", found)
        return credits

    def controls(self, metrics: Mapping[str, float]) -> Mapping[str, float]:
        """Return new values of keys after a step."""
        return self._call("after_step", metrics) if "after_step" in self.plugins else {}

    def in_engine(self, seam: Literal["correction", "token_weights"]) -> Plugin | None:
        """Return what the engine calls for weights_B_T, from tensors with those axes; None without a plug-in."""

        def weights(*tensors_B_T: Tensor) -> Tensor:
            weights_B_T: Tensor = self._call(seam, *tensors_B_T)
            if weights_B_T.shape != tensors_B_T[0].shape:
                found = f"weights of shape {tuple(weights_B_T.shape)} for tokens of {tuple(tensors_B_T[0].shape)}"
                raise self._wrong(seam, found)
            return weights_B_T

        return weights if seam in self.plugins else None

    def state_dict(self) -> dict[str, Any]:
        """Return the state of every plug-in that has one, by seam."""
        return {seam: made.state_dict() for seam, made in self.plugins.items() if hasattr(made, "state_dict")}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Give every plug-in its state back."""
        for seam, made in self.plugins.items():
            if seam in state and hasattr(made, "load_state_dict"):
                made.load_state_dict(state[seam])

    def _call(self, seam: Seam, *arguments: Any) -> Any:
        return _called(seam, self.plugins[seam], *arguments)

    def _listed(self, seam: Seam, count: int, *arguments: Any) -> list[Any]:
        values = list(self._call(seam, *arguments))
        if len(values) != count:
            raise self._wrong(seam, f"{len(values)} values in the place of {count}")
        return values

    def _wrong(self, seam: Seam, found: str) -> PluginError:
        place = defined_at(self.plugins[seam])
        return PluginError(f"The plug-in of algorithm.{seam} returned {found}.", hint=f"correct {place}")


def algorithm_of(config: RunConfig) -> Algorithm:
    """Return the algorithm of a run.

    Raises:
        ConfigError: if a plug-in or an option of one is not there.
    """
    choices = {seam: config.algorithm.choice(seam) for seam in SEAMS}
    return Algorithm(
        plugins={seam: make_plugin(choice) for seam, choice in choices.items() if choice is not None},
        num_completions=config.train.num_completions,
    )


def _called(seam: Seam, plugin: Plugin, *arguments: Any) -> Any:
    try:
        return plugin(*arguments)
    except (LeanRLError, torch.OutOfMemoryError):  # the engine redoes a pass that memory ran out in
        raise
    except Exception as error:
        place = raised_at(error, plugin)
        raise PluginError(
            f"The plug-in of algorithm.{seam} raised {type(error).__name__}: {error}\n  at {place}",
            hint=f"correct {place}",
        ) from error
