"""The prompts of a round: chosen for all ranks alike, planned for this one."""

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


@dataclass(frozen=True)
class Contexts:
    """Makes the context of a step from what a run knows. Random numbers come from seed, step and prompt id."""

    seed: int
    rows: Sequence[Row]
    stream: PromptStream
    recorded: RecordedLedger

    def at(self, step: int, *, num_wanted: int) -> PromptContext:
        """Return the context after `step` optimizer steps."""
        return PromptContext(
            step=step,
            epoch=max(0, self.stream.num_epochs - 1),
            num_wanted=num_wanted,
            ledger=self.recorded.ledger,
            rng=lambda known: Random(f"{self.seed}/{step}/{known}"),
            columns=lambda known: self._columns.get(known, {}),
        )

    @cached_property
    def _columns(self) -> dict[str, Mapping[str, Any]]:
        """The kept fields of each problem, by its prompt id; nothing is held where rows keep none."""
        return {prompt_id(row): row.columns for row in self.rows if row.columns}


def chosen_prompts(
    stream: PromptStream, rows: Sequence[Row], algorithm: Algorithm, context: PromptContext
) -> list[int]:
    """Return the rows that all ranks ask: what is turned down makes room for the next ones."""
    chosen: list[int] = []
    for _ in range(MOST_OFFERS):
        missing = context.num_wanted - len(chosen)
        if missing == 0:
            return chosen
        offered = stream.take(missing)
        decisions = algorithm.chooses([prompt_id(rows[number]) for number in offered], context)
        chosen += [number for number, is_chosen in zip(offered, decisions, strict=True) if is_chosen]
    return chosen + stream.take(context.num_wanted - len(chosen))


def planned_prompts(
    numbers: Sequence[int],
    rows: Sequence[Row],
    algorithm: Algorithm,
    context: PromptContext,
    *,
    tokenize: Callable[[Row], list[int]],
) -> list[Asked]:
    """Return the prompts of these rows with their tokens and the beginnings of their completions."""
    known = [prompt_id(rows[number]) for number in numbers]
    return [
        Asked(number, name, tokenize(rows[number]), algorithm.drafts(name, context))
        for number, name in zip(numbers, known, strict=True)
    ]
