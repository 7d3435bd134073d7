"""Clones HEAD into an empty folder, runs `make demo` and `make test` there as a new user would, and records both.

    python scripts/prove_clone.py [demo] [test] [test-long] [test-vllm] [test-unsloth] [test-oldest]

Writes benchmarks/results/fresh-clone-<targets>-<date>.json: commands, commit, machine, exit codes, seconds, and what
was printed last. The demo weights are unpacked anew; pip may use its own cache. A command prints into a file whose path
is shown, which is kept where the command fails.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from benchmarks.head_clone import ROOT, clone_head
from leanrl.machine.environment import describe_machine

# Each target, and then whether a second call would find its environment up to date.
COMMANDS = {
    "demo": ("make demo", "make --question .venv/.demo"),
    "test": ("make test", "make --question .venv/.dev"),
    "test-long": ("make test-long", "make --question .venv/.dev"),
    "test-vllm": ("make test-vllm", "make --question .venv-vllm/.vllm"),
    "test-unsloth": ("make test-unsloth", "make --question .venv-unsloth/.unsloth"),
    "test-oldest": ("make test-oldest", "make --question .venv-oldest/.oldest"),
}
KEPT_LINES = 15


def main() -> None:
    targets = sys.argv[1:] or ["demo", "test"]
    with tempfile.TemporaryDirectory() as folder:
        clone, commit = clone_head(Path(folder))
        environment = os.environ | {"LEANRL_CACHE": f"{folder}/cache"}
        runs = [_run(command, clone, environment) for target in targets for command in COMMANDS[target]]
    answer = {
        "command": " ".join(["python scripts/prove_clone.py", *targets]),
        "commit": commit,
        "date": date.today().isoformat(),
        "machine": describe_machine() | {"commit": commit},
        "runs": runs,
    }
    path = ROOT / "benchmarks" / "results" / f"fresh-clone-{'-'.join(targets)}-{answer['date']}.json"
    path.write_text(json.dumps(answer, indent=2) + "\n")
    for run in runs:
        print(f"{run['command']}: exit {run['exit_code']}, {run['seconds']:.0f} s")
    print(path)


def _run(command: str, clone: Path, environment: dict[str, str]) -> dict[str, object]:
    started = time.monotonic()
    with tempfile.NamedTemporaryFile("w", suffix=".log", delete=False) as log:
        print(f"{command}: {log.name}", flush=True)
        done = subprocess.run(command.split(), cwd=clone, env=environment, stdout=log, stderr=subprocess.STDOUT)
    seconds, printed = time.monotonic() - started, Path(log.name)
    lines = printed.read_text(encoding="utf-8").splitlines()
    if done.returncode == 0:
        printed.unlink()
    return {
        "command": command,
        "exit_code": done.returncode,
        "seconds": round(seconds, 1),
        "last_lines": [line.replace(str(clone), ".") for line in lines[-KEPT_LINES:]],
    }


if __name__ == "__main__":
    main()
