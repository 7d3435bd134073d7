"""Runs the real command line in a process of its own, and other programs in forks of a warm one."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_ALWAYS = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
# What libraries set while they are tested in this process is no part of it.
_AT_THE_START = os.environ | _ALWAYS
# Fixtures set it for all tests.
_OF_THIS_PROCESS = ("LEANRL_CACHE",)


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


def leanrl(
    *arguments: str | Path,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    late_env: dict[str, str] | None = None,
    timeout_seconds: float = 300,
) -> Outcome:
    """Return what `leanrl ARGUMENTS` did.

    Variables that a test changes are given as `env`; as `late_env` those which nothing reads as it is imported.
    One that takes longer than it would on the busiest machine hangs. It has one thread: with those of other tests
    beside it, two would spin against each other.
    """
    environment = environment_with((env or {}) | (late_env or {}))
    server = forks() if env is None else None
    if server is not None and server.are_free.acquire(blocking=False):
        try:
            program = Program("leanrl", arguments, cwd or Path.cwd(), environment)
            return server.run([program], timeout_seconds=timeout_seconds)[0]
        finally:
            server.are_free.release()
    done = subprocess.run(
        [sys.executable, "-m", "leanrl", *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def environment_with(more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process that a test starts."""
    now = {name: os.environ[name] for name in _OF_THIS_PROCESS if name in os.environ}
    return _AT_THE_START | now | dict(more)


@dataclass(frozen=True)
class Program:
    """`python -m MODULE ARGUMENTS`."""

    module: str
    arguments: Sequence[str | Path]
    cwd: Path
    environment: Mapping[str, str]


class Forks:
    """Programs forked from a process that has imported the libraries (tests.cli.forked): for one caller at a time."""

    def __init__(self) -> None:
        self.are_free = threading.Lock()
        self._server = subprocess.Popen(
            [sys.executable, "-c", "from tests.cli.forked import serve; serve()"],
            cwd=Path(__file__).parent.parent.parent,
            env=_AT_THE_START,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, programs: Sequence[Program], *, timeout_seconds: float) -> list[Outcome]:
        """Run programs side by side to their end; when one fails the others are killed."""
        with tempfile.TemporaryDirectory() as folder:
            printed = [
                (Path(folder) / f"{number}.out", Path(folder) / f"{number}.err") for number in range(len(programs))
            ]
            requests = [
                {
                    "module": program.module,
                    "arguments": list(map(str, program.arguments)),
                    "cwd": str(program.cwd),
                    "environment": dict(program.environment),
                    "out": str(out),
                    "err": str(err),
                }
                for program, (out, err) in zip(programs, printed, strict=True)
            ]
            codes = self._codes_of(requests, timeout_seconds)
            return [
                Outcome(code, out.read_text(), err.read_text()) for code, (out, err) in zip(codes, printed, strict=True)
            ]

    def _codes_of(self, requests: list[dict[str, Any]], timeout_seconds: float) -> list[int]:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        print(json.dumps(requests), file=self._server.stdin, flush=True)
        pids, is_late = list(map(int, self._server.stdout.readline().split())), threading.Event()

        def end() -> None:
            is_late.set()
            os.kill(pids[0], signal.SIGKILL)

        timer = threading.Timer(timeout_seconds, end)
        timer.start()
        codes = list(map(int, self._server.stdout.readline().split()))
        timer.cancel()
        if is_late.is_set():
            raise subprocess.TimeoutExpired([requests[0]["module"], *requests[0]["arguments"]], timeout_seconds)
        return codes


@cache
def forks() -> Forks | None:
    """Return None beside vLLM, which looks at the process that it is imported into."""
    return Forks() if hasattr(os, "fork") and find_spec("vllm") is None else None


def tiny_overrides(model: Path, *more: str) -> list[str]:
    """Return the -s flags that turn cpu-demo into a run of two quick steps on a tiny model."""
    settings = (
        f"model.id={model}",
        "model.wheel=null",
        "model.dtype=float32",
        "model.compute_dtype=float32",
        "model.tuning.rank=4",
        "train.max_steps=2",
        "train.num_prompts=2",
        "train.num_completions=4",
        "train.micro_batch_completions=3",
        "checkpoints.every_steps=1",
        "rollout.max_completion_tokens=8",
        "data.num_heldout=2",
        *more,
    )
    return [part for setting in settings for part in ("-s", setting)]
