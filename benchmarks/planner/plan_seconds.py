"""CPU seconds of `leanrl plan`: the default preset's plan, the search for settings that fit, and the simulation.

    python benchmarks/planner/plan_seconds.py

Each command runs ten times as a process of its own, a simulation once; user and system time, and the most memory that
was resident, are the kernel's. Prints a table and writes
benchmarks/results/<machine>-<date>-plan-seconds.json with command, commit and versions.
"""

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from leanrl.machine.environment import describe_machine

RESULTS = Path(__file__).parents[1] / "results"
# A simulation of the 1.5B shape: three ranks that share all parameters, and an adapter on one card.
COMMANDS = (
    (10, ["plan"]),
    (10, ["plan", "--json"]),
    (10, ["plan", "--fit"]),
    (1, ["plan", "--exact"]),
    (1, ["plan", "-p", "single-gpu-lora", "--exact"]),
)

_NO_OUTPUT = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)


@dataclass(frozen=True)
class Usage:
    """What one process took."""

    cpu_seconds: float
    wall_seconds: float
    resident_bytes: int


def main() -> None:
    rows = [measure(arguments, times=times) for times, arguments in COMMANDS]
    for row in rows:
        print(
            f"{row['command']:<38} median {row['median_cpu_seconds']:.2f} s, worst {row['worst_cpu_seconds']:.2f} s, "
            f"{row['worst_resident_bytes'] / 2**30:.2f} GiB"
        )
    machine = describe_machine()
    answer = {
        "command": "python benchmarks/planner/plan_seconds.py",
        "date": date.today().isoformat(),
        "machine": machine,
        "commands": rows,
    }
    name = f"{machine['system'].lower().replace(' ', '-')}-{machine['num_cpus']}cpu"
    path = RESULTS / f"{name}-{answer['date']}-plan-seconds.json"
    path.write_text(json.dumps(answer, indent=2) + "\n", encoding="utf-8")
    print(path)


def measure(arguments: list[str], *, times: int) -> dict[str, Any]:
    """Return the median and the worst of a command, over its processes."""
    usages = [asdict(run(arguments)) for _ in range(times)]
    seconds = sorted(usage["cpu_seconds"] for usage in usages)
    return {
        "command": f"leanrl {' '.join(arguments)}",
        "times": times,
        "median_cpu_seconds": round(seconds[times // 2], 3),
        "worst_cpu_seconds": round(seconds[-1], 3),
        "worst_wall_seconds": round(max(usage["wall_seconds"] for usage in usages), 3),
        "worst_resident_bytes": max(usage["resident_bytes"] for usage in usages),
    }


def run(arguments: list[str]) -> Usage:
    started = time.perf_counter()
    command = [sys.executable, "-m", "leanrl", *arguments]
    process = os.posix_spawn(command[0], command, os.environ, file_actions=[_NO_OUTPUT])
    _, status, usage = os.wait4(process, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(command)} ended with status {status}")
    return Usage(usage.ru_utime + usage.ru_stime, time.perf_counter() - started, usage.ru_maxrss * 1024)


if __name__ == "__main__":
    main()
