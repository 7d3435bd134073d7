"""Verdicts on a busy machine against those on an idle one."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from benchmarks.graders.judges import Case, ask
from leanrl.grading.pool import GraderPool
from leanrl.types import Verdict

NUM_CASES, SEED = 200, 15
BUSY_PER_CORE = 4  # processes that compute all the time, beside the pool's workers
SETTLE_SECONDS = 60  # the load average of a minute has then come two thirds of its way


def judge_under_load(cases: Sequence[Case]) -> dict[str, Any]:
    """Return how many verdicts of a fixed sample a busy machine changes; the limits are the pool's own."""
    drawn = random.Random(SEED).sample(list(cases), min(NUM_CASES, len(cases)))
    idle_load = os.getloadavg()[0]
    idle, idle_seconds = _grade(drawn)
    num_busy = BUSY_PER_CORE * (os.cpu_count() or 1)
    with _busy(num_busy):
        time.sleep(SETTLE_SECONDS)
        busy, busy_seconds = _grade(drawn)
        load = os.getloadavg()[0]
    pairs = list(zip(drawn, idle, busy, strict=True))
    return {
        "cases": len(drawn),
        "cores": os.cpu_count(),
        "busy_processes": num_busy,
        "idle_load_average": round(idle_load, 1),
        "idle_seconds": round(idle_seconds, 1),
        "busy_load_average": round(load, 1),
        "busy_seconds": round(busy_seconds, 1),
        "slowest_busy_verdict_seconds": round(max(verdict.seconds for verdict in busy), 1),
        "other_verdicts": sum(one.reason != other.reason for _, one, other in pairs),
        "differences": [
            {"id": case.id, "idle": one.reason, "busy": other.reason}
            for case, one, other in pairs
            if one.reason != other.reason
        ],
    }


def _grade(cases: Sequence[Case]) -> tuple[list[Verdict], float]:
    started = time.perf_counter()
    with GraderPool() as pool:
        verdicts = pool.grade([ask(case) for case in cases])
    return verdicts, time.perf_counter() - started


@contextmanager
def _busy(num_processes: int) -> Iterator[None]:
    """Keep the cores busy during the block."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(num_processes)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
