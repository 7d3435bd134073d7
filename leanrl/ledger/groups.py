"""Groups of completions, gathered from all ranks, as visits of the ledger.

Axes: B completions of all ranks, G completions of one prompt (the group).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leanrl.types import Visit


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the ledger keeps of one completion.

    `reward` is the weighted sum of its rewards, NaN where every reward skips. `num_tokens` counts the end token.
    """

    prompt_id: str
    reward: float
    is_correct: bool
    num_tokens: int
    is_truncated: bool


def gathered_visits(
    outcomes_B: Sequence[Outcome], *, group_sizes: Sequence[int], step: int, epoch: int
) -> list[tuple[str, Visit]]:
    """Return each group of a rollout with its prompt id, in the order of the completions.

    Args:
        outcomes_B: those of all ranks, in the order of ranks. A group is contiguous, and may begin on one rank and
            end on the next: the visits do not depend on where ranks were cut.
        group_sizes: completions of each group, in order.
        step: finished optimizer steps when the rollout was drawn.
        epoch: finished passes over the data.

    Raises:
        ValueError: if the sizes do not add up to B, or a group has completions of several prompts.
    """
    if sum(group_sizes) != len(outcomes_B):
        raise ValueError(f"groups of {sum(group_sizes)} completions were asked for, and {len(outcomes_B)} are there.")
    return [(_prompt_of(group), _visit(group, step=step, epoch=epoch)) for group in _groups(outcomes_B, group_sizes)]


def _groups(outcomes_B: Sequence[Outcome], group_sizes: Sequence[int]) -> Iterator[Sequence[Outcome]]:
    start = 0
    for size in group_sizes:
        yield outcomes_B[start : start + size]
        start += size


def _prompt_of(group: Sequence[Outcome]) -> str:
    found = list(dict.fromkeys(outcome.prompt_id for outcome in group))
    if len(found) != 1:
        raise ValueError(f"a group has completions of {len(found)} prompts, not of one: {', '.join(found)}")
    return found[0]


def _visit(group: Sequence[Outcome], *, step: int, epoch: int) -> Visit:
    return Visit(
        step=step,
        epoch=epoch,
        rewards_G=tuple(outcome.reward for outcome in group),
        correct_G=tuple(outcome.is_correct for outcome in group),
        lengths_G=tuple(outcome.num_tokens for outcome in group),
        truncated_G=tuple(outcome.is_truncated for outcome in group),
    )
