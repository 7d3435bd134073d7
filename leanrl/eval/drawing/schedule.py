"""Which completion of an evaluation is drawn next: first samples first, then the longest problems first."""

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# A problem whose first sample is still being drawn has a longer one than any that has ended.
_STILL_DRAWN = float("inf")

ProblemKey = tuple[str, str]


@dataclass(frozen=True, order=True)
class Draw:
    """One completion to draw: sample number `sample` (from 0) of a problem of a benchmark."""

    benchmark: str
    id: str
    sample: int

    @property
    def problem(self) -> ProblemKey:
        return self.benchmark, self.id


class Schedule:
    """Hands out the missing completions of all benchmarks, one at a time, so that no engine waits at the end.

    A batch empties when its last rows are long ones that began late. So each problem shows its length by its first
    sample, and the rest is handed out longest first, over all benchmarks at once.
    """

    def __init__(self, missing: Iterable[Draw], *, known_tokens: Mapping[ProblemKey, int]) -> None:
        """Take what is missing; the first samples keep its order.

        Args:
            missing: the completions to draw.
            known_tokens: length of a completion that an earlier start has drawn, by problem.
        """
        self._waiting: dict[ProblemKey, deque[Draw]] = defaultdict(deque)
        for draw in missing:
            self._waiting[draw.problem].append(draw)
        self._num_left = sum(map(len, self._waiting.values()))
        self._tokens: dict[ProblemKey, float] = dict(known_tokens)
        self._firsts = deque(problem for problem in self._waiting if problem not in self._tokens)
        self._order = {problem: number for number, problem in enumerate(self._waiting)}
        self._longest: list[tuple[float, int, ProblemKey]] = []
        for problem in self._waiting:
            if problem in self._tokens:
                self._push(problem)

    def __len__(self) -> int:
        return self._num_left

    def take(self) -> Draw | None:
        """Return the next completion to draw; None where all have been handed out."""
        if not self._num_left:
            return None
        self._num_left -= 1
        if self._firsts:
            problem = self._firsts.popleft()
            self._tokens[problem] = _STILL_DRAWN
            draw = self._waiting[problem].popleft()
        else:
            problem = self._longest_problem()
            draw = self._waiting[problem].popleft()
        if self._waiting[problem]:
            self._push(problem)
        return draw

    def finished(self, draw: Draw, *, num_tokens: int) -> None:
        """Note how long a completion is; the first that ends tells the length of its problem."""
        if self._tokens.get(draw.problem, _STILL_DRAWN) == _STILL_DRAWN:
            self._tokens[draw.problem] = num_tokens
            if self._waiting.get(draw.problem):
                self._push(draw.problem)

    def _push(self, problem: ProblemKey) -> None:
        heapq.heappush(self._longest, (-self._tokens[problem], self._order[problem], problem))

    def _longest_problem(self) -> ProblemKey:
        """Return the problem with the longest completions; entries from before its length was known are dropped."""
        while True:
            tokens, _, problem = heapq.heappop(self._longest)
            if self._waiting[problem] and -tokens == self._tokens[problem]:
                return problem
