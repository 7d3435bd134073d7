"""How often the watchdog sees made-up runs fall apart, and how often it sees what is not there.

    python benchmarks/watch/detection.py [--runs 200] [--fixed COMMIT]

Thresholds are those of `watchdog` as they are by default. Seeds are numbers of the commit that fixed them, so that
nobody can have chosen thresholds by these runs; the script refuses a commit after which a threshold changed. The runs
are those of `traces.py`: the shapes of the paper's three experiments, in turn. A fault has to be acted on before step
220. Writes benchmarks/results/watchdog-detection-<date>.json.
"""

import argparse
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.results_file import RESULTS, write_results_file
from benchmarks.watch.traces import EXPERIMENTS, NUM_STEPS, Experiment, trace
from leanrl.config.schema import RunConfig
from leanrl.machine.environment import describe_machine
from leanrl.watch.watchdog import Watchdog

DEADLINE_STEP = 220
# Kinds of runs, by the fraction of a fault that they have: smaller ones show where the watchdog gets blind.
KINDS = {"healthy": 0.0, "collapsing": 1.0, "half": 0.5, "quarter": 0.25, "tenth": 0.1}
# Where thresholds and rules are: what may not change after the seeds are drawn.
_RULES = (
    *("leanrl/config/sections/watchdog.py", "leanrl/watch/judged.py", "leanrl/watch/signals.py"),
    *("leanrl/watch/trend.py", "benchmarks/watch/traces.py"),
)
_REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Watched:
    """What the watchdog said of one run: steps of its first warning and of the fault, None where there was none."""

    warned: int | None
    acted: int | None


def watch(steps: Iterable[Mapping[str, Any]]) -> Watched:
    """Show a run to a watchdog up to the step at which level act would act."""
    watchdog = Watchdog(RunConfig.model_validate({"rewards": {"accuracy": 1.0}}))
    warned = None
    for metrics in steps:
        sight = watchdog.see(metrics)
        if sight.warnings and warned is None:
            warned = int(metrics["step"])
        if sight.fault is not None:
            return Watched(warned, sight.fault.step)
    return Watched(warned, None)


def rates(runs: list[Watched]) -> dict[str, Any]:
    """Return the fractions of runs that were warned of and acted on, and when."""
    acted = sorted(run.acted for run in runs if run.acted is not None)
    return {
        "runs": len(runs),
        "warned": sum(run.warned is not None for run in runs),
        "acted": len(acted),
        f"acted_before_{DEADLINE_STEP}": sum(step < DEADLINE_STEP for step in acted),
        "median_step": statistics.median(acted) if acted else None,
        "last_step": acted[-1] if acted else None,
    }


def simulated(num_runs: int, *, first_seed: int, collapses: bool, size: float) -> dict[Experiment, list[Watched]]:
    """Return what the watchdog said of so many runs, the experiments in turn; `size` is a fraction of their faults."""
    found: dict[Experiment, list[Watched]] = {name: [] for name in EXPERIMENTS}
    for number in range(num_runs):
        name = EXPERIMENTS[number % len(EXPERIMENTS)]
        found[name].append(watch(trace(name, collapses=collapses, seed=first_seed + number, size=size)))
    return found


def main() -> None:
    """Simulate, print a table, and write the results file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200, help="healthy runs, and as many that fall apart")
    parser.add_argument("--fixed", default="HEAD", help="commit that fixed the thresholds; its number is the seed")
    arguments = parser.parse_args()
    commit = _git("rev-parse", arguments.fixed)
    changed = _git("diff", "--name-only", commit, "--", *_RULES)
    if changed:
        sys.exit(f"changed since {commit[:7]}: {changed}")
    first_seed = int(commit[:12], 16)
    results = {}
    for kind, size in KINDS.items():
        found = simulated(arguments.runs, first_seed=first_seed, collapses=size > 0, size=size)
        results[kind] = {name: rates(runs) for name, runs in found.items()}
        results[kind]["all"] = rates([run for runs in found.values() for run in runs])
        for name, row in results[kind].items():
            print(f"{kind:10} {name:5} {row}")
    write_results_file(
        RESULTS / f"watchdog-detection-{date.today().isoformat()}.json",
        {
            "command": f"python benchmarks/watch/detection.py --runs {arguments.runs} --fixed {commit[:7]}",
            **describe_machine(),
            "thresholds_fixed_by": commit,
            "first_seed": first_seed,
            "steps_of_a_run": NUM_STEPS,
            "results": results,
        },
    )


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=_REPOSITORY, check=True, capture_output=True, text=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
