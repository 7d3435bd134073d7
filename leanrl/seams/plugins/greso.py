"""GRESO: prompts whose groups had no signal are asked less often."""

from collections.abc import Mapping, Sequence
from typing import Any

from leanrl.config.sections.field_types import Fraction
from leanrl.seams.decided import decided_in_a_row
from leanrl.seams.protocols import PromptContext, Visits
from leanrl.seams.registry import plugin
from leanrl.types import Visit

# The bounds of both probabilities (GRESO's code).
_LOWEST, _HIGHEST = 0.05, 0.95


@plugin("choose_prompts", "greso", needs_grades=True)
class Greso:
    """Ask a prompt with probability max(p^z, floor), where z counts its latest groups in a row without signal.

    Groups that are all right and groups that are all wrong count apart, each with a p of its own. After every step from
    the second epoch on, p falls by `change` where the fraction of such groups reaches its target, else it rises by it;
    both stay within [0.05, 0.95].

    A group has no signal where all or none of its completions are right, so that a length or format reward changes
    nothing. It needs a graded reward. Without earlier visits (the first epoch) every prompt is asked. A prompt that is
    turned down keeps its z: `floor` is its only way back, and at p 0.5 it is reached with z 7.

    `column` gives each prompt a z to start with, from an earlier run or from a solver. The first epoch is then as a
    later one: prompts are turned down, and p moves. A row whose value is null starts at 0.

    Args:
        start: both probabilities at the start.
        target_share: groups without signal that are aimed at, of those drawn: a third all right, two all wrong.
        change: of p after a step.
        floor: least probability that a prompt is asked.
        column: column of the data with the groups in a row without signal before this run: positive where all were
            right, negative where all were wrong; `leanrl_in_a_row` in a file of `leanrl data rank`.

    Source: arXiv 2506.02177, with the values of its code. That code decides by mean rewards (at least 0.98, at most
    0.11, since it pays 0.1 for format) where we decide by the number right.
    """

    def __init__(
        self,
        *,
        start: Fraction = 0.5,
        target_share: Fraction = 0.25,
        change: Fraction = 0.01,
        floor: Fraction = 0.01,
        column: str | None = None,
    ) -> None:
        self.p_easy = self.p_hard = start
        self._target_share = target_share
        self._change = change
        self._floor = floor
        self._column = column

    def __call__(self, prompt_ids: Sequence[str], context: PromptContext) -> list[bool]:
        """Return whether each prompt is asked; equal on every rank and after a resume."""
        return [
            context.rng(prompt_id).random()
            < self.ask_probability(context.ledger.visits(prompt_id), self._before(prompt_id, context))
            for prompt_id in prompt_ids
        ]

    def ask_probability(self, visits: Sequence[Visit], before: int = 0) -> float:
        """Return the probability that a prompt with these visits, oldest first, is asked; 1 after signal.

        Args:
            before: the groups in a row without signal before this run, as `column` has them.
        """
        in_a_row = decided_in_a_row((visit.correct_G for visit in visits), before)
        if in_a_row == 0:
            return 1.0
        probability = self.p_easy if in_a_row > 0 else self.p_hard
        return max(probability ** abs(in_a_row), self._floor)

    def check_value(self, value: Any) -> None:
        """Refuse a value of `column` that counts no groups.

        Raises:
            ValueError: saying what is expected.
        """
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise ValueError("a whole number of groups, below 0 where all were wrong")

    def after_groups(self, visits: Visits, context: PromptContext) -> None:
        """Move both probabilities by the fractions among all groups of a step, those that were dropped too."""
        turns_down = context.epoch >= 1 or self._column is not None
        if not turns_down or not visits:
            return
        decided = [visit for _, visit in visits if visit.is_decided]
        num_easy = sum(map(_is_easy, decided))
        target = self._target_share * len(visits)
        self.p_easy = self._moved(self.p_easy, 3 * num_easy >= target)
        self.p_hard = self._moved(self.p_hard, 3 * (len(decided) - num_easy) >= 2 * target)

    def state_dict(self) -> dict[str, float]:
        """Return both probabilities."""
        return {"p_easy": self.p_easy, "p_hard": self.p_hard}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Take both probabilities over."""
        self.p_easy, self.p_hard = state["p_easy"], state["p_hard"]

    def _before(self, prompt_id: str, context: PromptContext) -> int:
        return 0 if self._column is None else context.columns(prompt_id).get(self._column) or 0

    def _moved(self, probability: float, is_reached: bool) -> float:
        return min(max(probability + (-self._change if is_reached else self._change), _LOWEST), _HIGHEST)


def _is_easy(visit: Visit) -> bool:
    return visit.num_correct > 0
