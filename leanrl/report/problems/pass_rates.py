"""Pass rates of problems: the fraction of completions with a correct answer, over all groups of a problem."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from leanrl.types import Visit

Level = Literal["never solved", "hard", "medium", "easy", "always solved"]
LEVELS: tuple[Level, ...] = ("never solved", "hard", "medium", "easy", "always solved")
HARD_BELOW, EASY_ABOVE = 0.25, 0.75


@dataclass
class ProblemRecord:
    """How the groups of one problem went, summed up; `last_step` is the number of the step that last asked it."""

    prompt_id: str
    first_rate: float
    last_rate: float = 0.0
    last_step: int = 0
    num_groups: int = 0
    num_completions: int = 0
    num_correct: int = 0
    num_truncated: int = 0
    num_tokens: int = 0

    @property
    def pass_rate(self) -> float:
        return self.num_correct / self.num_completions

    @property
    def mean_tokens(self) -> float:
        return self.num_tokens / self.num_completions

    @property
    def level(self) -> Level:
        """How hard the problem is for the policy. One that is solved at times is never called by an end of the row."""
        if self.num_correct == 0:
            return "never solved"
        if self.num_correct == self.num_completions:
            return "always solved"
        if self.pass_rate < HARD_BELOW:
            return "hard"
        return "easy" if self.pass_rate > EASY_ABOVE else "medium"

    def take(self, visit: Visit) -> None:
        """Add a group; its step counts the finished ones, so that it was drawn in the step after them."""
        self.last_rate, self.last_step = _pass_rate(visit), visit.step + 1
        self.num_groups += 1
        self.num_completions += len(visit.rewards_G)
        self.num_correct += visit.num_correct
        self.num_truncated += sum(visit.truncated_G)
        self.num_tokens += sum(visit.lengths_G)


def problem_records(visits: Iterable[tuple[str, Visit]]) -> list[ProblemRecord]:
    """Return one record for each problem, in the order in which they were first asked."""
    records: dict[str, ProblemRecord] = {}
    for prompt_id, visit in visits:
        if prompt_id not in records:
            records[prompt_id] = ProblemRecord(prompt_id, first_rate=_pass_rate(visit))
        records[prompt_id].take(visit)
    return list(records.values())


def by_level(records: Iterable[ProblemRecord]) -> dict[Level, list[ProblemRecord]]:
    """Return the problems of each level, each in the order in which a reader wants them.

    Of problems that are never or always solved, those with most completions come first. Hard problems begin with
    the lowest pass rate, easy ones with the highest, medium ones with the nearest to a half.
    """
    levels: dict[Level, list[ProblemRecord]] = {level: [] for level in LEVELS}
    for record in records:
        levels[record.level].append(record)
    return {level: sorted(found, key=_ORDERS[level]) for level, found in levels.items()}


_ORDERS: dict[Level, Callable[[ProblemRecord], tuple[float, int]]] = {
    "never solved": lambda record: (0.0, -record.num_completions),
    "hard": lambda record: (record.pass_rate, -record.num_completions),
    "medium": lambda record: (abs(record.pass_rate - 0.5), -record.num_completions),
    "easy": lambda record: (-record.pass_rate, -record.num_completions),
    "always solved": lambda record: (0.0, -record.num_completions),
}


def _pass_rate(visit: Visit) -> float:
    return visit.num_correct / len(visit.correct_G)
