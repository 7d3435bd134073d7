"""Rows of made tasks: drawn by seed, level by level, none of them twice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from leanrl.data.tasks.makers import MAKERS
from leanrl.data.tasks.task import MadeTask
from leanrl.errors import ConfigError

_TRIES = 50  # for a problem that was not made before


@dataclass(frozen=True)
class MadeRow:
    """A task with where it comes from; its id is the same in every run of one seed."""

    id: str
    task: MadeTask
    maker: str
    level: int


def make_rows(maker: str, *, levels: Sequence[int], num_rows: int, seed: int) -> Iterator[MadeRow]:
    """Yield different problems, in turn from each level, so that any first part has all levels alike.

    A row depends on the name, seed, level and its number alone: more rows begin with the same ones.

    Raises:
        ConfigError: if there is no such level, or a level has too few different problems.
    """
    made = MAKERS[maker]
    absent = [level for level in levels if not 1 <= level <= made.num_levels]
    if absent or not levels:
        raise ConfigError(
            f"{maker} has the levels 1 to {made.num_levels}, not {', '.join(map(str, absent)) or 'none at all'}.",
            hint=f"levels: [{', '.join(map(str, range(1, made.num_levels + 1)))}]",
        )
    seen: set[str] = set()
    for number in range(num_rows):
        level = levels[number % len(levels)]
        draw = Random(f"{maker} {seed} {level} {number}")
        task = next(
            (task for task in (made.make(level, draw) for _ in range(_TRIES)) if task.problem not in seen), None
        )
        if task is None:
            found = number // len(levels)
            raise ConfigError(
                f"{maker} has no more than about {found} different problems of level {level}, and {num_rows} rows of "
                f"{len(levels)} levels are asked for.",
                hint="ask for fewer rows, or add higher levels",
            )
        seen.add(task.problem)
        yield MadeRow(f"{maker}-{level}-{seed}-{number}", task, maker, level)
