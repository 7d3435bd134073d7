"""Kills of every kind of run, written to a results file: `make test-faults`.

python -m tests.faults.matrix benchmarks/results/faults-DATE.json
"""

import argparse
import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.results_file import write_results_file
from leanrl.machine.environment import describe_machine
from tests.families import forked
from tests.faults.cases import CASES, named, write_problems
from tests.faults.kills import Killing, num_identical, random_moments

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Write the file after each kind of run; exit 1 if a killed run lost anything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--cases", nargs="*", default=[case.name for case in CASES])
    parser.add_argument("--kills", type=int, default=20, help="of each kind of run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cold", action="store_true", help="start an interpreter for each process")
    asked = parser.parse_args()
    forked.warm_up()
    content = _about() | {"seed": asked.seed, "is_cold": asked.cold, "kills": {}}
    with TemporaryDirectory() as folder:
        model, problems = Path(folder) / "model", write_problems(Path(folder) / "problems.jsonl")
        made = forked.in_fork(lambda: _make_model(model))
        assert made.code == 0, made.err
        for name in asked.cases:
            place = Path(folder) / str(len(content["kills"]))
            place.mkdir()
            killing = Killing(named(name), model=model, problems=problems, folder=place, is_cold=asked.cold)
            content["kills"][name] = rows = []
            for row in _killed(killing, num_kills=asked.kills, rng=Random(f"{asked.seed}/{name}")):
                rows.append(row)
                print(name, json.dumps(row), flush=True)
                write_results_file(asked.out, content)
    kills = content["kills"].values()
    return int(any(num_identical(rows) < len(rows) for rows in kills))


def _killed(killing: Killing, *, num_kills: int, rng: Random):  # type: ignore[no-untyped-def]
    whole = killing.whole()
    for number, moment in enumerate(random_moments(whole, num_kills=num_kills, rng=rng)):
        yield killing.trial(number, moment, whole)


def _make_model(folder: Path) -> None:
    from tests.tiny_model import make_tiny_model

    make_tiny_model(folder)


def _about() -> dict[str, Any]:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "command": "make test-faults",
        "commit": commit,
        "date": date.today().isoformat(),
        "machine": describe_machine(),
    }


if __name__ == "__main__":
    sys.exit(main())
