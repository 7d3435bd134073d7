"""Runs the real command line in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

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
    *arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None, timeout_seconds: float = 300
) -> Outcome:
    """Return what `leanrl ARGUMENTS` did.

    Variables that a test changes are given as `env`. One that takes longer than it would on the busiest machine hangs.
    It has one thread: with those of other tests beside it, two would spin against each other.
    """
    now = {name: os.environ[name] for name in _OF_THIS_PROCESS if name in os.environ}
    environment = _AT_THE_START | now | (env or {})
    forks = _forks() if env is None else None
    if forks is not None and forks.are_free.acquire(blocking=False):
        try:
            return forks.run(arguments, cwd or Path.cwd(), environment, timeout_seconds)
        finally:
            forks.are_free.release()
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


class _Forks:
    """Command lines forked from a process that has imported the libraries, one at a time (tests.cli.forked)."""

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

    def run(
        self, arguments: tuple[str | Path, ...], cwd: Path, environment: dict[str, str], timeout_seconds: float
    ) -> Outcome:
        with tempfile.TemporaryDirectory() as folder:
            printed = {name: Path(folder) / name for name in ("out", "err")}
            request = {"arguments": list(map(str, arguments)), "cwd": str(cwd), "environment": environment}
            request |= {name: str(path) for name, path in printed.items()}
            code = self._code_of(json.dumps(request), arguments, timeout_seconds)
            return Outcome(code, *(path.read_text() for path in printed.values()))

    def _code_of(self, request: str, arguments: tuple[str | Path, ...], timeout_seconds: float) -> int:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        print(request, file=self._server.stdin, flush=True)
        pid, is_late = int(self._server.stdout.readline()), threading.Event()

        def end() -> None:
            is_late.set()
            os.kill(pid, signal.SIGKILL)

        timer = threading.Timer(timeout_seconds, end)
        timer.start()
        code = int(self._server.stdout.readline())
        timer.cancel()
        if is_late.is_set():
            raise subprocess.TimeoutExpired(["leanrl", *map(str, arguments)], timeout_seconds)
        return code


@cache
def _forks() -> _Forks | None:
    """Return None beside vLLM, which looks at the process that it is imported into."""
    return _Forks() if hasattr(os, "fork") and find_spec("vllm") is None else None


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
