"""A plug-in that kills the rollout server, with all its processes, before the third rollout of a run."""

import psutil

from leanrl.rewards.registry import reward
from leanrl.rollout.server.engine import VllmServer

generate, calls = VllmServer.generate, []


def kill_first(self, requests, sampling):
    calls.append(len(requests))
    if len(calls) == 3:
        killed = psutil.Process(self._process._guard.pid).children(recursive=True)
        for one in killed:
            one.kill()
        psutil.wait_procs(killed, timeout=60)
    return generate(self, requests, sampling)


VllmServer.generate = kill_first
reward("unused_killed_server")(lambda sample: 0.0)  # a plug-in has to register one
