"""Child processes that judge tasks side by side, each within CPU seconds and a wall clock, and a warm one to spare."""

import time
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing.connection import wait

from leanrl.errors import MissingError
from leanrl.grading.process.child import HINT, Child
from leanrl.grading.task import Task
from leanrl.types import Reason, Verdict

_START_SECONDS = 120.0  # importing the parser takes one; a machine that needs this long is broken
# The wall clock, in CPU seconds of the limit, of a worker that is kept from computing: swapped out, stopped, or one of
# ten that share a core. A worker that computes is ended by the kernel long before.
_WALL_CLOCK_FACTOR = 10
_MAX_START_FAILURES = 3  # in a row; fewer may be chance, such as a kernel short of memory


@dataclass(frozen=True)
class _Running:
    task: Task
    started: float


class Crew:
    """The processes of a pool. Not for two threads at a time; the pool sees to that."""

    def __init__(self, num_workers: int, *, cpu_seconds: float, memory_bytes: int) -> None:
        self._num_workers = num_workers
        self._wall_seconds = _WALL_CLOCK_FACTOR * cpu_seconds
        self._launch: Callable[[], Child] = lambda: Child(cpu_seconds=cpu_seconds, memory_bytes=memory_bytes)
        self._children: list[Child] = []
        self._running: dict[Child, _Running] = {}
        self._ended: list[Child] = []
        self._died_once: set[Task] = set()
        self._start_failures = 0
        # The kernel kills a child with the thread that started it (see worker), so one that lives on starts them all.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="leanrl-grading")

    def run(self, tasks: Collection[Task]) -> dict[Task, Verdict]:
        """Return a verdict for every task; raise `MissingError` if the processes cannot start."""
        verdicts: dict[Task, Verdict] = {}
        waiting = deque(tasks)
        self._died_once.clear()
        if tasks:
            self._start_children(min(self._num_workers, len(tasks)) + 1)
        try:
            while len(verdicts) < len(tasks):
                self._hand_out(waiting, verdicts)
                self._take_replies(waiting, verdicts)
                self._end_overdue(verdicts)
        finally:
            # Left running only by an exception: a late reply must not be taken for the next task's.
            for child in list(self._running):
                self._replace(child)
        self._ended = [child for child in self._ended if not child.has_ended]
        return verdicts

    def close(self) -> None:
        """End all processes and wait for their end."""
        self._starter.shutdown()
        for child in self._children:
            child.kill()
        for child in self._children + self._ended:
            child.reap()
        self._children, self._ended = [], []

    def _start_children(self, num_children: int) -> None:
        while len(self._children) < num_children:
            self._children.append(self._started())

    def _started(self) -> Child:
        try:
            return self._starter.submit(self._launch).result(_START_SECONDS)
        except TimeoutError as error:
            raise MissingError(f"No process that judges answers could be made in {_START_SECONDS:.0f} s.") from error

    def _hand_out(self, waiting: deque[Task], verdicts: dict[Task, Verdict]) -> None:
        """Give waiting tasks to children that have none; the clock of a task starts before it is sent."""
        for child in [child for child in self._children if child.is_ready and child not in self._running]:
            if not waiting or len(self._running) >= self._num_workers:
                return
            started = time.monotonic()
            try:
                child.send(asdict(waiting[0]), deadline=started + self._wall_seconds)
            except TimeoutError:
                verdicts[waiting.popleft()] = Verdict("timeout", time.monotonic() - started)
                self._replace(child)
                continue
            except OSError:
                self._replace(child)  # it died while it had nothing to do
                continue
            self._running[child] = _Running(waiting.popleft(), started)

    def _take_replies(self, waiting: deque[Task], verdicts: dict[Task, Verdict]) -> None:
        """Wait for news from a child, or for the next deadline."""
        expected = {child.fileno(): child for child in self._children if child in self._running or not child.is_ready}
        now = time.monotonic()
        deadlines = [running.started + self._wall_seconds for running in self._running.values()]
        news = wait(expected, max(0.0, min(deadlines) - now) if deadlines else _START_SECONDS)
        if not news and not deadlines:
            raise MissingError(f"No process that judges answers was ready after {_START_SECONDS:.0f} s.")
        for child in (expected[descriptor] for descriptor in news if isinstance(descriptor, int)):
            if child.is_ready:
                self._take_reply(child, waiting, verdicts)
            else:
                self._take_start(child)

    def _take_reply(self, child: Child, waiting: deque[Task], verdicts: dict[Task, Verdict]) -> None:
        """Take a verdict; the answer of a child that somebody killed, such as a kernel short of memory, waits again.

        One that ends its second child too has done it itself.
        """
        try:
            reply = child.receive()
        except EOFError:
            task = self._running[child].task
            is_timeout = child.was_ended_by_cpu_limit()
            if not is_timeout and task not in self._died_once:
                self._died_once.add(task)
                waiting.append(task)
                self._replace(child)
                return
            reply = {"reason": "timeout" if is_timeout else "died", "is_spent": True}
        self._settle(child, reply["reason"], verdicts)
        if reply["is_spent"]:
            self._replace(child)

    def _take_start(self, child: Child) -> None:
        try:
            child.receive()
            self._start_failures = 0
        except EOFError:
            self._start_failures += 1
            if self._start_failures >= _MAX_START_FAILURES:
                raise MissingError(
                    "The processes that judge answers cannot start: several in a row ended before they were ready.",
                    hint=HINT,
                ) from None
            self._replace(child)

    def _end_overdue(self, verdicts: dict[Task, Verdict]) -> None:
        now = time.monotonic()
        for child, running in list(self._running.items()):
            if now - running.started >= self._wall_seconds:
                self._settle(child, "timeout", verdicts)
                self._replace(child)

    def _settle(self, child: Child, reason: Reason, verdicts: dict[Task, Verdict]) -> None:
        running = self._running.pop(child)
        verdicts[running.task] = Verdict(reason, time.monotonic() - running.started)

    def _replace(self, child: Child) -> None:
        """Kill a child and start another; the spare one is warm, so nobody waits for it."""
        child.kill()
        self._running.pop(child, None)
        self._children.remove(child)
        self._ended.append(child)
        self._children.append(self._started())
