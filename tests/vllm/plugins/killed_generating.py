"""A plug-in that kills the rollout server, with all its processes, while it generates the third rollout of a run.

KILLED_GENERATING names a file that gets what the server was doing; without it nothing is killed. KILLED_SERVER is the
id of the process that has started the server, where leanrl has not.
"""

import json
import os
import time
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psutil

from leanrl.rewards.registry import reward
from leanrl.rollout.server.engine import VllmServer

_ROLLOUT = 3
# What the server computes for the rollout before it is killed; all of it takes many times as long.
_CPU_SECONDS = 0.3

reward("unused_killed_generating")(lambda sample: 0.0)  # a plug-in has to register one


def _cpu_seconds(processes: list[psutil.Process]) -> float:
    return sum(one.cpu_times().user + one.cpu_times().system for one in processes)


def _kill_at_work(starter: int, has_answered: Event, file: Path) -> None:
    processes = psutil.Process(starter).children(recursive=True)
    before = _cpu_seconds(processes)
    while not has_answered.is_set() and _cpu_seconds(processes) - before < _CPU_SECONDS:
        time.sleep(0.005)
    computed = _cpu_seconds(processes) - before
    was_generating = not has_answered.is_set()
    for one in processes:
        one.kill()
    row = {"was_generating": was_generating, "cpu_seconds": computed, "killed_at": time.time()}
    file.write_text(json.dumps(row | {"pids": [one.pid for one in processes]}))


def _kill_in_a_rollout(file: Path) -> None:
    generate, calls = VllmServer.generate, []

    def killing(self: VllmServer, requests: Any, sampling: Any) -> Any:
        calls.append(len(requests))
        if len(calls) != _ROLLOUT:
            return generate(self, requests, sampling)
        starter = int(os.environ["KILLED_SERVER"]) if self._process is None else self._process._guard.pid
        has_answered = Event()
        Thread(target=_kill_at_work, args=(starter, has_answered, file), daemon=True).start()
        try:
            return generate(self, requests, sampling)
        finally:
            has_answered.set()

    VllmServer.generate = killing  # type: ignore[method-assign]


if "KILLED_GENERATING" in os.environ and not hasattr(VllmServer, "is_killed"):  # checks and the run each load the file
    VllmServer.is_killed = True  # type: ignore[attr-defined]
    _kill_in_a_rollout(Path(os.environ["KILLED_GENERATING"]))
