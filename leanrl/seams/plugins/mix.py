"""The mix of easy and hard prompts as a schedule: fixed, from easy to hard, or by the run's own pass rates."""

from collections.abc import Mapping, Sequence
from typing import Any

from leanrl.config.sections.field_types import Fraction, NonNegative, NonNegativeInt, PositiveInt
from leanrl.seams.protocols import PromptContext
from leanrl.seams.quotas import Quotas
from leanrl.seams.registry import plugin
from leanrl.types import Visit

_PATIENCE = 32
_OPEN_RS = {"Easy": 1.0, "Hard": 6.0}  # 1,000 rows and 6,000
_NEW, _EASY, _MEDIUM, _HARD = "new", "easy", "medium", "hard"


@plugin("choose_prompts", "mix")
class Mix:
    """Ask prompts of each level in given fractions, which may move over the run.

    The level of a prompt is its value in a column of the data. The fractions hold over the steps of a run: what one
    step had too few of, later ones make up for.

    Args:
        start: fraction of each level at the start, such as {Easy: 1, Hard: 2}; they need not add up to 1. None
            takes the 6 Hard to 1 Easy of Open-RS.
        end: fraction of each level after `steps`; empty keeps those of the start.
        steps: steps over which the fractions move from start to end, in a straight line.
        column: column of the data with the level.
        patience: prompts that a step turns down for each that it wants, before it takes what comes.

    Source: ours. Open-RS (arXiv 2503.16219) trains on a fixed mix of easy and hard problems.
    """

    def __init__(
        self,
        *,
        start: dict[Any, NonNegative] | None = None,
        end: dict[Any, NonNegative] | None = None,
        steps: NonNegativeInt = 0,
        column: str = "level",
        patience: PositiveInt = _PATIENCE,
    ) -> None:
        self._start = _shares(start or _OPEN_RS, "start")
        self._end = _shares(end, "end") if end else self._start
        self._steps = steps
        self._column = column
        self._quotas = Quotas(patience)

    def __call__(self, prompt_ids: Sequence[str], context: PromptContext) -> list[bool]:
        """Return whether each prompt is asked; equal on every rank and after a resume."""
        shares = self.shares(context.step)
        kinds = [str(context.columns(each).get(self._column)) for each in prompt_ids]
        return [self._quotas.takes(kind, shares, context) for kind in kinds]

    def shares(self, step: int) -> dict[str, float]:
        """Return the fraction of each level at a step; they add up to 1."""
        done = 1.0 if step >= self._steps else step / self._steps
        levels = list(dict.fromkeys([*self._start, *self._end]))
        return {each: (1 - done) * self._start.get(each, 0.0) + done * self._end.get(each, 0.0) for each in levels}

    def state_dict(self) -> dict[str, Any]:
        """Return what is owed to each level."""
        return self._quotas.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what is owed to each level."""
        self._quotas.load_state_dict(state)


@plugin("choose_prompts", "own_pass_rates", needs_grades=True)
class OwnPassRates:
    """Ask easy, medium and hard prompts in given fractions, where a prompt's pass rates in this run say what it is.

    The pass rate is that of the latest groups of a prompt. A prompt that was never asked is always asked, so that the
    first epoch asks all.

    Args:
        easy, medium, hard: shares; they need not add up to 1.
        easy_above: a prompt with a higher pass rate is easy.
        hard_below: a prompt with a lower pass rate is hard.
        groups: the latest groups that count.
        patience: prompts that a step turns down for each that it wants, before it takes what comes.

    Source: ours.
    """

    def __init__(
        self,
        *,
        easy: NonNegative = 0.2,
        medium: NonNegative = 0.6,
        hard: NonNegative = 0.2,
        easy_above: Fraction = 0.75,
        hard_below: Fraction = 0.25,
        groups: PositiveInt = 2,
        patience: PositiveInt = _PATIENCE,
    ) -> None:
        if hard_below > easy_above:
            raise ValueError(f"hard_below {hard_below:g} is above easy_above {easy_above:g}")
        self._shares = _shares({_EASY: easy, _MEDIUM: medium, _HARD: hard}, "easy, medium, hard")
        self._easy_above, self._hard_below, self._groups = easy_above, hard_below, groups
        self._quotas = Quotas(patience)

    def __call__(self, prompt_ids: Sequence[str], context: PromptContext) -> list[bool]:
        """Return whether each prompt is asked; equal on every rank and after a resume."""
        return [self._asks(self.kind(context.ledger.visits(each)), context) for each in prompt_ids]

    def kind(self, visits: Sequence[Visit]) -> str:
        """Return easy, medium or hard by the latest groups; new without any."""
        if not visits:
            return _NEW
        latest = visits[-self._groups :]
        rate = sum(visit.num_correct for visit in latest) / sum(len(visit.correct_G) for visit in latest)
        return _EASY if rate > self._easy_above else _HARD if rate < self._hard_below else _MEDIUM

    def state_dict(self) -> dict[str, Any]:
        """Return what is owed to each kind."""
        return self._quotas.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what is owed to each kind."""
        self._quotas.load_state_dict(state)

    def _asks(self, kind: str, context: PromptContext) -> bool:
        return kind == _NEW or self._quotas.takes(kind, self._shares, context)


def _shares(given: Mapping[Any, float], name: str) -> dict[str, float]:
    """Return shares that add up to 1.

    Raises:
        ValueError: if all are 0.
    """
    total = sum(given.values())
    if total <= 0:
        raise ValueError(f"{name}: all shares are 0, so no prompt could be asked")
    return {str(kind): share / total for kind, share in given.items()}
