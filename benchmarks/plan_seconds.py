"""CPU seconds of `leanrl plan`: the default preset's plan, and the search for settings that fit.

    python benchmarks/plan_seconds.py

Each command runs ten times as a process of its own; user and system time are the kernel's. Prints a table and writes
benchmarks/results/<machine>-<date>-plan-seconds.json with command, commit and versions.
"""

import json
import resource
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

from leanrl.environment import describe_machine

RESULTS = Path(__file__).parent / "results"
TIMES = 10
COMMANDS = (["plan"], ["plan", "--json"], ["plan", "--fit"])


def main() -> None:
    rows = [measure(arguments) for arguments in COMMANDS]
    for row in rows:
        print(f"{row['command']:<22} median {row['median_cpu_seconds']:.2f} s, worst {row['worst_cpu_seconds']:.2f} s")
    machine = describe_machine()
    answer = {
        "command": "python benchmarks/plan_seconds.py",
        "date": date.today().isoformat(),
        "machine": machine,
        "commands": rows,
    }
    name = f"{machine['system'].lower().replace(' ', '-')}-{machine['num_cpus']}cpu"
    path = RESULTS / f"{name}-{answer['date']}-plan-seconds.json"
    path.write_text(json.dumps(answer, indent=2) + "\n", encoding="utf-8")
    print(path)


def measure(arguments: list[str]) -> dict[str, Any]:
    """Return the median and the worst CPU time of a command, over its processes."""
    seconds = sorted(cpu_seconds(arguments) for _ in range(TIMES))
    return {
        "command": f"leanrl {' '.join(arguments)}",
        "times": TIMES,
        "median_cpu_seconds": round(seconds[TIMES // 2], 3),
        "worst_cpu_seconds": round(seconds[-1], 3),
    }


def cpu_seconds(arguments: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "leanrl", *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
