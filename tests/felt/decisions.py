"""Keys of the decisions of a step: the plug-in of each seam, with its options."""

from collections.abc import Sequence

import torch

from leanrl.config.schema import RunConfig
from leanrl.seams.protocols import Draft, Group, PromptContext, TokenCredit
from leanrl.seams.registry import plugin
from leanrl.trainer.rollouts.bridge import Rollout
from tests.felt.felt import Felt, Here, trainer_of
from tests.felt.learning import advantages, loss, of_letters
from tests.felt.updates import attribute

# Prompt ids are hexadecimal: half of them begin below it.
_MIDDLE = "8"


@plugin("choose_prompts", "felt_upper_half")
def upper_half(prompt_ids: Sequence[str], context: PromptContext) -> list[bool]:
    """Ask the prompts whose id is in the upper half."""
    return [prompt_id > _MIDDLE for prompt_id in prompt_ids]


@plugin("plan_rollouts", "felt_few")
def few(prompt_id: str, context: PromptContext, *, count: int) -> list[Draft]:
    """Draw `count` completions of every prompt."""
    return [Draft()] * count


@plugin("credit_tokens", "felt_last")
def last(group: Group, advantages_G: torch.Tensor) -> list[TokenCredit]:
    """Train the last token of every completion alone."""
    masks = [torch.zeros(len(ids)) for ids in group.completion_ids_G]
    for mask_T in masks:
        mask_T[-1] = 1.0
    return [TokenCredit(weights_T=mask_T) for mask_T in masks]


def upper_prompts(config: RunConfig, here: Here) -> list[bool]:
    """Return of eight prompts that are asked whether each is in the upper half."""
    trainer = trainer_of(config, here)
    trainer.draw = lambda beginnings_B: Rollout([[7]] * len(beginnings_B), None)
    logs = [trainer.step.roll_out(trainer.model, step=step).log for step in range(4)]
    return [one.asked.prompt_id > _MIDDLE for log in logs for one in log.groups]


def drawn(config: RunConfig, here: Here) -> list[int]:
    """Return the completions of each round of a rollout, all of which are alike."""
    trainer, sizes = trainer_of(config, here), []

    def draw(beginnings_B: list[list[int]]) -> Rollout:
        sizes.append(len(beginnings_B))
        return Rollout([[7]] * len(beginnings_B), None)

    trainer.draw = draw
    trainer.step.roll_out(trainer.model, step=0)
    return sizes


def trained_lengths(config: RunConfig, here: Here) -> list[int]:
    """Return the lengths of a rollout's first four rows; its groups have 1, 2, 3 and 4 letters."""
    return [len(row.completion_ids) for row in of_letters(config, here)]


def counted_tokens(config: RunConfig, here: Here) -> list[float]:
    """Return how many tokens of a group's rows the denominators count."""
    return [float(row.counted_tokens) for row in of_letters(config, here)]


def next_entropy_coef(config: RunConfig, here: Here) -> float:
    """Return the entropy coefficient after a step."""
    trainer = trainer_of(config, here)
    trainer.draw = lambda beginnings_B: Rollout(
        [[7, 8, 9][: 1 + place % 3] for place in range(len(beginnings_B))], None
    )
    trainer.training_step(trainer.model, None)
    return trainer.step_pass.settings.entropy_coef


_UNSCALED = {"name": "group", "scale": "none"}
_BY_REWARD = {"name": "signal", "by": "reward"}

FELT = [
    # Rewards 0.1 to 0.4, mean 0.25; each is compared with the mean of the other three.
    Felt(
        "algorithm.advantage",
        {**_UNSCALED, "baseline": "leave_one_out"},
        advantages,
        [-0.2, -0.2 / 3, 0.2 / 3, 0.2],
        usual=_UNSCALED,
    ),
    Felt("algorithm.advantage", _UNSCALED, advantages, [-0.15, -0.05, 0.05, 0.15]),
    *(
        Felt("algorithm.correction", value, loss, usual=usual)
        for value, usual in [
            ({"name": "none"}, None),
            ({"name": "token_truncate", "clip": 1.1}, None),
            ({"name": "sequence_mask"}, None),
            ({"name": "sequence_mask", "mask_low": 0.5, "mask_high": 3.0}, {"name": "sequence_mask"}),
            ({"name": "icepop", "low": 0.9, "high": 1.1}, {"name": "icepop"}),
        ]
    ),
    Felt("algorithm.choose_prompts", {"name": "felt_upper_half"}, upper_prompts, [True] * 8),
    Felt("algorithm.plan_rollouts", {"name": "felt_few", "count": 3}, drawn, [6]),
    # Of rewards 0.1 to 0.4, those of the shortest and the longest are furthest apart; a group has two rows then.
    Felt("algorithm.keep_rows", {"name": "pods", "rows": 2}, trained_lengths, [2, 4, 2, 4]),
    Felt(
        "algorithm.refill",
        {"name": "until_full", "max_rounds": 2},
        drawn,
        [8, 8, 8],
        beside={"algorithm.keep_rows": _BY_REWARD},
    ),
    Felt("algorithm.credit_tokens", {"name": "felt_last"}, counted_tokens, [1.0] * 4),
    Felt("algorithm.token_weights", {"name": "top_entropy", "share": 0.4}, loss),
    Felt(
        "algorithm.after_step",
        {"name": "entropy_control", "target": 100.0, "change": 0.25, "highest": 1.0},
        next_entropy_coef,
        0.25,
    ),
    Felt("algorithm.max_empty_steps", 4, attribute("skipped.empty.max_in_a_row"), 4),
]
