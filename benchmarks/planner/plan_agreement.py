"""The planner's closed form against the simulation of the same step, on cases that a seed draws.

    python -m benchmarks.planner.plan_agreement [--seed 20261128] [--cases 300] [--processes 1]
    python -m benchmarks.planner.plan_agreement --holdout     # 100 cases of another seed: run once, after all is mended

A case is a real model of 0.1B to 14B with method, optimizer, rows, lengths, tiles, adapters and ranks (FSDP2, DDP)
drawn at random: one rank without a rollout engine. Half of the cases have one micro-batch. Compared are the peaks of
scoring with the reference, of forward and backward, and of the optimizer step; a case's error is that of the largest.
Limits, set before: no case more than 2 % low, none more than 5 % high. What misses them is listed in the summary.

Writes benchmarks/results/plan-agreement[-holdout]-<date>.json after every case. A case that stands in the newest such
file with the same code of the simulation is not simulated again; its plan is always computed anew.
"""

import argparse
import ast
import hashlib
import json
import statistics
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from functools import cache, partial
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.planner.agreement_cases import Case, draw_cases
from benchmarks.results_file import RESULTS, write_results_file
from leanrl.machine.environment import describe_machine
from leanrl.planner.models.known_models import find_shape
from leanrl.planner.phases import train_phases
from leanrl.planner.workload import workload_of

PHASES = ("reference", "forward_backward", "optimizer_step")
SEED, HOLDOUT_SEED = 20261128, 20261129
NUM_CASES, NUM_HOLDOUT_CASES = 300, 100
MOST_LOW, MOST_HIGH = 0.02, 0.05
# The simulation of a case runs their code.
_SIMULATED_CODE = ("simulate", "engine", "algorithms", "models")
# Of these it runs none of the statements that decide bytes: they read a config, keep answers, and print.
_AROUND_IT = ("simulate/run.py", "simulate/kept.py", "simulate/__main__.py")
_SIMULATED_PACKAGES = ("torch", "transformers", "peft")

Row = dict[str, Any]
Peaks = dict[str, dict[str, int]]


def main() -> None:
    asked = _parser().parse_args()
    seed, count = (HOLDOUT_SEED, NUM_HOLDOUT_CASES) if asked.holdout else (asked.seed, asked.cases)
    name = "plan-agreement-holdout" if asked.holdout else "plan-agreement"
    drawn = "--holdout" if asked.holdout else f"--seed {seed}"
    command = f"python -m benchmarks.planner.plan_agreement {drawn}"
    path = RESULTS / f"{name}-{date.today()}.json"
    known = _newest(name)
    with TemporaryDirectory() as folder:
        cases = [case for case in draw_cases(count, seed=seed, folder=Path(folder)) if asked.only in case.name]
        rows: dict[str, Row] = {}
        for case, simulated in simulated_cases(cases, known, folder=Path(folder), processes=asked.processes):
            row = compared(case, simulated, Path(folder))
            rows[case.key] = row
            print(_line(row), flush=True)
            if not asked.only:
                found = [rows[case.key] for case in cases if case.key in rows]
                about = {"command": command, "seed": seed, **describe_machine(), "summary": summary(found)}
                write_results_file(path, about | {"rows": found})
    for line in summary(list(rows.values())).items():
        print(*line)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--cases", type=int, default=NUM_CASES, help="the first so many of the seed's cases")
    parser.add_argument("--holdout", action="store_true", help=f"{NUM_HOLDOUT_CASES} cases of seed {HOLDOUT_SEED}")
    parser.add_argument("--only", default="", help="cases whose name contains this; writes no results")
    parser.add_argument("--processes", type=int, default=1, help="0 simulates nothing: cases that stand in the file")
    return parser


def simulated_cases(
    cases: list[Case], known: dict[str, Row], *, folder: Path, processes: int
) -> Iterator[tuple[Case, Row]]:
    """Yield each case with its simulation: first those that stand in `known` with today's code, then new ones."""
    kept = {case.key: known[case.key] for case in cases if known.get(case.key, {}).get("code") == simulation_code()}
    yield from ((case, kept[case.key]) for case in cases if case.key in kept)
    if processes == 0:
        return
    # Fake tensors leave caches behind, so a process ends after a few cases.
    with get_context("spawn").Pool(processes, maxtasksperchild=25) as pool:
        new_cases = [case for case in cases if case.key not in kept]
        yield from pool.imap_unordered(partial(simulate, folder=folder), new_cases)


def simulate(case: Case, *, folder: Path) -> tuple[Case, Row]:
    """Return a case with its simulated peaks by phase and category, or with why there are none."""
    from leanrl.errors import LeanRLError
    from leanrl.simulate.run import simulate_run

    try:
        phases = simulate_run(case.config(folder)).phases
    except LeanRLError as error:
        return case, {"code": simulation_code(), "failed": error.message}
    return case, {"code": simulation_code(), "simulated": {phase.name: phase.categories for phase in phases}}


def compared(case: Case, simulated: Row, folder: Path) -> Row:
    """Return the row of a case: planned and simulated peaks; `error` is the plan's, by the largest phase of each."""
    row: Row = {"name": case.name, "key": case.key, "case": asdict(case), "code": simulated["code"]}
    if "failed" in simulated:
        return row | {"failed": simulated["failed"]}
    measured = {name: parts for name, parts in simulated["simulated"].items() if name in PHASES}
    planned = planned_peaks(case, folder)
    largest = max(measured, key=lambda name: sum(measured[name].values()))
    most = max(sum(parts.values()) for parts in planned.values())
    return row | {
        "phase": largest,
        "error": _error(most, measured[largest]),
        "errors": {name: _error(sum(planned[name].values()), measured[name]) for name in measured},
        "planned": planned,
        "simulated": measured,
    }


def planned_peaks(case: Case, folder: Path) -> Peaks:
    """Return the closed form's bytes by phase and component."""
    config = case.config(folder)
    shape = find_shape(config.model.id)
    phases = train_phases(shape, workload_of(config, shape), kv_bytes=0)
    return {phase.name: phase.components for phase in phases if phase.name in PHASES}


def _error(planned_bytes: int, simulated: dict[str, int]) -> float:
    return round(planned_bytes / sum(simulated.values()) - 1, 5)


def summary(rows: list[Row]) -> dict[str, Any]:
    """Return how far the plans are from the simulations, and every case that misses a limit."""
    errors = [row["error"] for row in rows if "error" in row]
    return {
        "cases": len(rows),
        "of_one_micro_batch": sum(row["case"]["completions"] <= row["case"]["rows"] for row in rows),
        "median_absolute_error": round(statistics.median(map(abs, errors)), 5) if errors else None,
        "lowest_error": min(errors, default=None),
        "highest_error": max(errors, default=None),
        "limits": {"most_low": MOST_LOW, "most_high": MOST_HIGH},
        "not_simulated": [row["name"] for row in rows if "failed" in row],
        "missed": [
            f"{row['error']:+.2%} {row['name']}" for row in rows if "error" in row and not within_limits(row["error"])
        ],
    }


def within_limits(error: float) -> bool:
    """Whether a plan that is `error` above the simulation is neither unsafe nor wasteful."""
    return -MOST_LOW <= error <= MOST_HIGH


@cache
def simulation_code() -> str:
    """Return a hash of the code that a simulation runs, and of its packages' versions; comments do not count."""
    hashed = hashlib.sha256(repr([version(package) for package in _SIMULATED_PACKAGES]).encode())
    root = Path(__file__).parents[2] / "leanrl"
    for path in sorted(path for room in _SIMULATED_CODE for path in (root / room).rglob("*.py")):
        name = path.relative_to(root).as_posix()
        if name not in _AROUND_IT:
            hashed.update(name.encode() + statements(path.read_text(encoding="utf-8")))
    return hashed.hexdigest()[:16]


def statements(source: str) -> bytes:
    """Return a module's syntax tree without docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.dump(tree).encode()


def _newest(name: str) -> dict[str, Row]:
    """Return the rows of the newest results file of this name, by the key of their case."""
    paths = sorted(RESULTS.glob(f"{name}-[0-9]*.json"))
    rows = json.loads(paths[-1].read_text(encoding="utf-8"))["rows"] if paths else []
    return {row["key"]: row for row in rows if "key" in row}


def _line(row: Row) -> str:
    if "failed" in row:
        return f"  failed  {row['name']}: {row['failed']}"
    gib = sum(row["simulated"][row["phase"]].values()) / 2**30
    return f"{row['error']:+8.2%}  {gib:7.2f} GiB  {row['phase']:17} {row['name']}"


if __name__ == "__main__":
    main()
