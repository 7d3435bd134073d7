"""One made problem with its answer, and what makes them."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class MadeTask:
    """A problem whose answer is known because it was made; any of several answers is right."""

    problem: str
    answers: tuple[str, ...]


@dataclass(frozen=True)
class TaskMaker:
    """A kind of task.

    Args:
        about: what is asked, in one line.
        num_levels: levels are 1 to this; a higher one is harder.
        make: draws a task of a level.
        is_graded: whether the grader of mathematics judges its answers; others have a reward of their own.
    """

    about: str
    num_levels: int
    make: Callable[[int, Random], MadeTask]
    is_graded: bool = True
