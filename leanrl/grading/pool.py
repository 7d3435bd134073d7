"""A pool of killable processes that judge answers."""

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence

from leanrl.grading.process.crew import Crew
from leanrl.grading.task import Task, plan_gold_check, plan_request
from leanrl.types import FORMS, Form, GoldList, GradeMode, GradeRequest, Reason, Verdict

_CACHE_SIZE = 16_384
# The grader's own failures are not remembered: another time, on an idle machine, it may succeed.
_FAILURES = frozenset[Reason](("timeout", "memory", "died"))


class GraderPool:
    """Judges answers in child processes that are killed when they take too long; a `Grader`.

    Completions come from a model that is paid for what it writes, so any of them may hang, swell or crash a parser.
    Nothing of that reaches this process: it imports no parser, sets no alarm and leaves no work to a thread. Only child
    processes that cannot start raise an error, a `MissingError`.
    """

    def __init__(
        self,
        num_workers: int | None = None,
        *,
        seconds: float = 2.0,
        memory_bytes: int = 2 * 2**30,
        refused: tuple[Form, ...] = FORMS,
    ) -> None:
        """Prepare a pool; its processes start with the first answer that needs them.

        Args:
            num_workers: answers judged at the same time; None takes this rank's part of the cores.
            seconds: CPU seconds of one answer; its wall clock ends it at ten times as many.
            memory_bytes: address space of one process.
            refused: the forms of an equal answer that the strict mode does not pay.
        """
        num_workers = num_workers if num_workers is not None else _cores_of_this_rank()
        if num_workers < 1 or seconds <= 0 or memory_bytes <= 0:
            raise ValueError(f"must be positive: {num_workers=}, {seconds=}, {memory_bytes=}")
        self._crew: Crew | None = Crew(num_workers, cpu_seconds=seconds, memory_bytes=memory_bytes)
        self._cache: OrderedDict[Task, Reason] = OrderedDict()
        self._lock = threading.Lock()
        self._refused = refused

    def grade(self, requests: Sequence[GradeRequest]) -> list[Verdict]:
        """Return one verdict per request, in order; never raise for what a completion contains."""
        planned = [plan_request(request, refused=self._refused) for request in requests]
        verdicts = self._judge([plan for plan in planned if isinstance(plan, Task)])
        return [verdicts[plan] if isinstance(plan, Task) else Verdict(plan, 0.0) for plan in planned]

    def can_parse_gold(self, golds: Sequence[str | GoldList], mode: GradeMode = "strict") -> list[bool]:
        """Return for each gold answer whether an answer could ever be judged against it."""
        tasks = [plan_gold_check(gold, mode) for gold in golds]
        verdicts = self._judge([task for task in tasks if task is not None])
        return [task is None or verdicts[task].reason not in _FAILURES | {"unparseable_gold"} for task in tasks]

    def close(self) -> None:
        """End all processes; a second call does nothing."""
        with self._lock:
            if self._crew is not None:
                self._crew.close()
                self._crew = None

    def __enter__(self) -> "GraderPool":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _judge(self, tasks: Sequence[Task]) -> dict[Task, Verdict]:
        """Return a verdict for every task, from the cache or from the crew."""
        with self._lock:
            if self._crew is None:
                raise ValueError("this pool is closed")
            known = {task: Verdict(self._cache[task], 0.0) for task in tasks if task in self._cache}
            for task in known:
                self._cache.move_to_end(task)
            new = self._crew.run([task for task in dict.fromkeys(tasks) if task not in known])
            self._cache.update({task: it.reason for task, it in new.items() if it.reason not in _FAILURES})
            while len(self._cache) > _CACHE_SIZE:
                self._cache.popitem(last=False)
            return known | new


def _cores_of_this_rank() -> int:
    """Return this process's part of the cores, where torchrun or accelerate started several on one machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
