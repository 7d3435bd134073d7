"""How far an evaluation is: what is drawn, the running score, and the time that is left."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from leanrl.eval.drawing.schedule import ProblemKey
from leanrl.eval.store.answers import AnswerRecord


@dataclass(frozen=True)
class Standing:
    """An evaluation at one moment; `seconds_left` is None before the first completion of this start."""

    num_drawn: int
    num_wanted: int
    num_correct: int
    num_tokens: int
    tokens_per_second: float
    seconds_left: float | None

    @property
    def accuracy(self) -> float:
        """Fraction of correct completions so far; problems that were asked more often weigh more."""
        return self.num_correct / self.num_drawn if self.num_drawn else 0.0


class Progress:
    """Counts completions when they end.

    Args:
        wanted: all problems, each as often as it is asked.
        earlier: the completions of earlier starts.
        clock: seconds, in place of the machine's.
    """

    def __init__(
        self,
        wanted: Iterable[ProblemKey],
        earlier: Iterable[AnswerRecord],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock, self._started = clock, clock()
        self._left: dict[ProblemKey, int] = defaultdict(int)
        for problem in wanted:
            self._left[problem] += 1
        self._num_wanted = sum(self._left.values())
        self._lengths: dict[ProblemKey, list[int]] = defaultdict(list)
        self._num_drawn = self._num_correct = self._num_tokens = 0
        self._num_new_tokens = 0
        for record in earlier:
            self._count(record)

    def add(self, record: AnswerRecord) -> None:
        """Count a completion of this start."""
        self._num_new_tokens += record.num_tokens
        self._count(record)

    def standing(self) -> Standing:
        """Return where the evaluation stands."""
        seconds = max(1e-9, self._clock() - self._started)
        rate = self._num_new_tokens / seconds
        return Standing(
            self._num_drawn,
            self._num_wanted,
            self._num_correct,
            self._num_tokens,
            rate,
            self._tokens_left() / rate if rate else None,
        )

    def _count(self, record: AnswerRecord) -> None:
        problem = record.benchmark, record.id
        self._left[problem] -= 1
        self._lengths[problem].append(record.num_tokens)
        self._num_drawn += 1
        self._num_correct += record.is_correct
        self._num_tokens += record.num_tokens

    def _tokens_left(self) -> float:
        """Return the tokens that are still to come: each problem's own mean, or the mean of all where it has none."""
        mean = self._num_tokens / self._num_drawn
        of_problem = {problem: sum(lengths) / len(lengths) for problem, lengths in self._lengths.items()}
        return sum(left * of_problem.get(problem, mean) for problem, left in self._left.items())
