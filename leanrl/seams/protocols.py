"""The seams of a step: each decision that a plug-in can take, as a Protocol.

A step takes them in this order: choose prompts, plan rollouts, draw, grade, reward, ledger, keep rows (and refill),
advantages, token credit, weights, engine (token weights and correction inside), after step. `algorithm.<seam>` of a
config names the plug-in of a seam; without one leanrl does what the seam's docstring says under "Without".

A plug-in is a function with keyword-only options, or a class whose constructor takes them and whose instances are
called. A class may have `state_dict()` and `load_state_dict(state)`: its state then lies in every checkpoint, and has
to be plain JSON. Decisions that are random take their generator from the context or from `Group.rng`, so that every
rank and a resumed run decide alike.

Axes: G completions of a prompt (the group), P prompts, B completions of a micro-batch, T completion tokens.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Literal, Protocol

from leanrl.types import Ledger, Sample, Visit

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class PromptContext:
    """What is known when prompts are chosen; the same on every rank.

    `step` counts finished optimizer steps, `epoch` finished passes over the data. `num_wanted` prompts are to be
    found. `rng(prompt_id)` is seeded by seed, step and prompt. `columns(prompt_id)` are the fields of the source
    that the rewards and the plug-in read.
    """

    step: int
    epoch: int
    num_wanted: int
    ledger: Ledger
    rng: Callable[[str], Random]
    columns: Callable[[str], Mapping[str, Any]] = lambda _: {}


@dataclass(frozen=True)
class Draft:
    """How one completion begins: tokens behind the prompt that the engine goes on from.

    `forced_logprobs` are those of the policy that has sampled them; None has the trainer score them. Where
    `trains_forced` is false, forced tokens are in no loss.
    """

    forced_ids: tuple[int, ...] = ()
    forced_logprobs: tuple[float, ...] | None = None
    trains_forced: bool = True


@dataclass(frozen=True)
class Group:
    """The finished completions of one prompt.

    `rewards_G` are the weighted sums of their rewards, NaN where every reward skips. `rollout_logprobs_G` are the
    rollout engine's, one for each token, or None where the model that trains has sampled.
    """

    prompt_id: str
    samples_G: Sequence[Sample]
    completion_ids_G: Sequence[Sequence[int]]
    rewards_G: Sequence[float]
    correct_G: Sequence[bool]
    rng: Random
    rollout_logprobs_G: Sequence[Sequence[float]] | None = None

    @property
    def lengths(self) -> list[int]:
        """Tokens of each of the G completions."""
        return [len(ids) for ids in self.completion_ids_G]


@dataclass(frozen=True)
class Kept:
    """The rows of a group that are trained.

    Args:
        rows: their numbers in the group, rising; none drops the group.
        stats: whose mean and spread its advantages are made with.
        copies: how often the group counts.
    """

    rows: tuple[int, ...]
    stats: Literal["kept", "group"] = "kept"
    copies: float = 1.0


@dataclass(frozen=True)
class TokenCredit:
    """What the tokens of one row are worth, each on its own.

    Args:
        advantages_T: in the place of the row's advantage; None keeps it for all tokens.
        weights_T: factor of each token's loss: 0 leaves it out, 1 / q corrects a draw with probability q. The
            denominators count the sum of them.
        last_token: the row is cut behind this token, which saves its forward pass; None keeps the whole row.
    """

    advantages_T: "Tensor | None" = None
    weights_T: "Tensor | None" = None
    last_token: int | None = None


class ChoosePrompts(Protocol):
    """Which of the prompts on offer are asked in this step.

    An option named `column` names a column of the source that the plug-in reads from `context.columns`. An object with
    `check_value(value)` is shown each value of it before a run, and raises ValueError with what it expects. One with
    `after_groups(visits, context)` hears the finished groups of every step, those that were dropped too. Without: all.
    """

    def __call__(self, prompt_ids: Sequence[str], context: PromptContext) -> Sequence[bool]:
        """Return one decision for each prompt; a prompt that is turned down makes room for the next one."""
        ...


class PlanRollouts(Protocol):
    """How many completions a prompt gets, and how each begins. Without: `rollout.num_generations`, nothing forced."""

    def __call__(self, prompt_id: str, context: PromptContext) -> Sequence[Draft]:
        """Return one draft for each completion, at least two."""
        ...


class Advantage(Protocol):
    """How much better a completion is than the others of its prompt. Without: `group`, the mean and spread of GRPO."""

    def __call__(self, rewards_P_G: "Tensor", lengths_P_G: "Tensor") -> "Tensor":
        """Return advantages_P_G; exactly 0 where a group teaches nothing and where the reward is NaN.

        NaN stands for a completion that counts for nothing: it was skipped, or is not kept, or its group is smaller.
        """
        ...


class KeepRows(Protocol):
    """Which completions of a group are trained. Without: all.

    An option named `rows` is the most that are kept of a group: the memory plan counts no more.
    """

    def __call__(self, group: Group) -> Kept:
        """Return the rows that are kept."""
        ...


class Refill(Protocol):
    """How many prompts are drawn in the place of dropped groups, in the same step. Without: none."""

    def __call__(self, groups_wanted: int, groups_kept: int, dropped_share: float, round_number: int) -> int:
        """Return the prompts to draw now, 0 to train on what is there.

        Args:
            groups_wanted, groups_kept: of the step, all ranks together.
            dropped_share: of the groups drawn so far.
            round_number: 1 before the first refill.
        """
        ...


class CreditTokens(Protocol):
    """What each token of a row is worth, before the forward pass. Without: its row's advantage, weight 1."""

    def __call__(self, group: Group, advantages_G: "Tensor") -> Sequence[TokenCredit]:
        """Return the credit of each completion of the group; that of a row that is not kept is not used."""
        ...


class TokenWeights(Protocol):
    """The weight of each token's loss by what the forward pass has computed. Without: 1.

    It is called inside the engine, without gradients, for one micro-batch: a row's weights may depend on that row
    alone, and nothing may depend on a tensor's values in Python, so that the simulation can run it. The denominators
    do not change.
    """

    def __call__(
        self,
        logprobs_B_T: "Tensor",
        sampled_logprobs_B_T: "Tensor",
        entropies_B_T: "Tensor",
        advantages_B_T: "Tensor",
        mask_B_T: "Tensor",
    ) -> "Tensor":
        """Return weights_B_T."""
        ...


class Correction(Protocol):
    """The factor of each token's policy loss, for the rollout engine's other probabilities.

    Without: `token_truncate`.
    """

    def __call__(self, logprobs_B_T: "Tensor", rollout_logprobs_B_T: "Tensor", mask_B_T: "Tensor") -> "Tensor":
        """Return weights_B_T; `rollout_logprobs_B_T` is NaN where the engine gave none, which counts as ratio 1."""
        ...


class AfterStep(Protocol):
    """New values of keys by a step's metrics. Without: none."""

    def __call__(self, metrics: Mapping[str, float]) -> Mapping[str, float]:
        """Return values by dotted keys, of those that may change while a run goes on (`seams.control`)."""
        ...


# What `after_groups` of a chooser is called with: the prompt of each finished group, and how it went.
Visits = Sequence[tuple[str, Visit]]
Plugin = Callable[..., Any]
