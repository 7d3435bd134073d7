"""Prompts: those of a round, chosen for all ranks alike, planned for this one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any

from leanrl.ledger.recorded import RecordedLedger
from leanrl.seams.protocols import PromptContext
from leanrl.trainer.step.algorithm import Algorithm
from leanrl.trainer.step.groups import Asked
from leanrl.trainer.step.prompt_stream import PromptStream
from leanrl.types import Row, prompt_id

# How often prompts are offered until enough are chosen; after that the next ones are taken in their order.
MOST_OFFERS = 100


@dataclass(kw_only=True)
class Prompts:
    """The prompts that rollouts ask, by the decisions of plug-ins and by what those are told of a run.

    Args:
        rows: the problems, by the numbers that `stream` offers.
        stream: offers prompts in the order of the run.
        algorithm: chooses prompts, and plans how their completions begin.
        recorded: the ledger, which plug-ins may read.
        tokenize: returns the tokens of a prompt.
        seed: of plug-ins' random numbers, with the step and the prompt id.
    """

    rows: Sequence[Row]
    stream: PromptStream
    algorithm: Algorithm
    recorded: RecordedLedger
    tokenize: Callable[[Row], list[int]]
    seed: int

    def context(self, step: int, *, num_wanted: int) -> PromptContext:
        """Return what plug-ins are told of a round after `step` optimizer steps."""
        return PromptContext(
            step=step,
            epoch=max(0, self.stream.num_epochs - 1),
            num_wanted=num_wanted,
            ledger=self.recorded.ledger,
            rng=lambda known: Random(f"{self.seed}/{step}/{known}"),
            columns=lambda known: self._columns.get(known, {}),
        )

    def chosen(self, context: PromptContext) -> list[int]:
        """Return the row numbers that all ranks ask: what is turned down makes room for the next ones."""
        chosen: list[int] = []
        for _ in range(MOST_OFFERS):
            missing = context.num_wanted - len(chosen)
            if missing == 0:
                return chosen
            offered = self.stream.take(missing)
            decisions = self.algorithm.chooses([prompt_id(self.rows[number]) for number in offered], context)
            chosen += [number for number, is_chosen in zip(offered, decisions, strict=True) if is_chosen]
        return chosen + self.stream.take(context.num_wanted - len(chosen))

    def planned(self, numbers: Sequence[int], context: PromptContext) -> list[Asked]:
        """Return the prompts of these rows with their tokens and the beginnings of their completions."""
        known = [prompt_id(self.rows[number]) for number in numbers]
        return [
            Asked(number, name, self.tokenize(self.rows[number]), self.algorithm.drafts(name, context))
            for number, name in zip(numbers, known, strict=True)
        ]

    def problems(self, numbers: Sequence[int]) -> dict[str, str]:
        """Return the texts of these rows' problems, by prompt id."""
        return {prompt_id(self.rows[number]): self.rows[number].problem for number in numbers}

    @cached_property
    def _columns(self) -> dict[str, Mapping[str, Any]]:
        """The kept fields of each problem, by its prompt id; nothing is held where rows keep none."""
        return {prompt_id(row): row.columns for row in self.rows if row.columns}
