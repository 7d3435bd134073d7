"""Which held-out problems are asked during training, how often, and with which seeds."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from leanrl.eval.drawing.schedule import Draw
from leanrl.eval.drawing.seeds import seed_of
from leanrl.types import Row, prompt_id

_NAME = "heldout"


@dataclass(frozen=True)
class Question:
    """One completion that is asked for; `seed` is None where the likeliest token is taken."""

    problem: str
    row: Row
    seed: int | None


def chosen_rows(rows: Sequence[Row], *, num_problems: int | None, seed: int) -> list[Row]:
    """Return the held-out problems of every evaluation of a run, whatever the order they come in."""
    ordered = sorted(rows, key=prompt_id)
    if num_problems is None or num_problems >= len(ordered):
        return ordered
    return random.Random(seed).sample(ordered, num_problems)


def questions_of(rows: Sequence[Row], *, num_samples: int, temperature: float, seed: int) -> list[Question]:
    """Return every sample of every problem, with a seed that depends on nothing but its problem and number."""
    return [
        Question(name, row, None if temperature == 0 else seed_of(Draw(_NAME, name, sample), seed=seed))
        for row in rows
        for name in [prompt_id(row)]
        for sample in range(num_samples)
    ]
