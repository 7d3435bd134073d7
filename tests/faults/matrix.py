"""Kills of every kind of run, SIGTERMs and other faults of one kind, written to a results file: `make test-faults`.

python -m tests.faults.matrix benchmarks/results/faults-DATE.json
"""

import argparse
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.results_file import write_results_file
from leanrl.machine.environment import describe_machine
from tests.families import forked
from tests.faults.cases import CASES, named, write_problems
from tests.faults.kills import Killing, Whole, num_identical, random_moments
from tests.faults.others import FAULTS, NEED_A_MOUNT, Faults, can_mount

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Write the file after each fault; exit 1 if a run lost anything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--cases", nargs="*", default=[case.name for case in CASES])
    parser.add_argument("--kills", type=int, default=20, help="of each kind of run")
    parser.add_argument("--terms", type=int, default=10, help="SIGTERMs of the first kind of run")
    parser.add_argument("--faults", nargs="*", default=list(FAULTS), help="of the first kind of run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cold", action="store_true", help="start an interpreter for each process")
    parser.add_argument("--join", nargs="*", type=Path, help="write what such files of one commit found together")
    asked = parser.parse_args()
    if asked.join:
        return _joined(asked.out, [json.loads(file.read_text(encoding="utf-8")) for file in asked.join])
    forked.warm_up()
    content = _about() | {"seed": asked.seed, "is_cold": asked.cold, "kills": {}, "terms": [], "faults": []}
    with TemporaryDirectory() as folder:
        model, problems = Path(folder) / "model", write_problems(Path(folder) / "problems.jsonl")
        made = forked.in_fork(lambda: _make_model(model))
        assert made.code == 0, made.err
        for name in asked.cases:
            place = Path(folder) / str(len(content["kills"]))
            place.mkdir()
            killing = Killing(named(name), model=model, problems=problems, folder=place, is_cold=asked.cold)
            whole = killing.whole()
            content["kills"][name] = rows = []
            parts = [(rows, _sent(killing, whole, signal.SIGKILL, asked.kills, seed=f"{asked.seed}/{name}"))]
            if name == asked.cases[0]:
                terms = _sent(killing, whole, signal.SIGTERM, asked.terms, seed=f"{asked.seed}/SIGTERM")
                parts += [(content["terms"], terms), (content["faults"], _others(killing, whole, asked.faults))]
            for kept, made in parts:
                for row in made:
                    kept.append(row)
                    print(name, json.dumps(row), flush=True)
                    write_results_file(asked.out, content)
    return _code(content)


def _joined(out: Path, contents: Sequence[dict[str, Any]]) -> int:
    """Write the results of runs side by side as those of one, in the order of the cases."""
    assert len({content["commit"] for content in contents}) == 1, "the files are of several commits"
    kills = {name: rows for content in contents for name, rows in content["kills"].items()}
    joined = contents[0] | {"kills": {case.name: kills[case.name] for case in CASES if case.name in kills}}
    for kind in ("terms", "faults"):
        joined[kind] = [row for content in contents for row in content[kind]]
    write_results_file(out, joined)
    return _code(joined)


def _code(content: dict[str, Any]) -> int:
    groups = [*content["kills"].values(), content["terms"], content["faults"]]
    return int(any(num_identical(rows) < len(rows) for rows in groups))


def _sent(killing: Killing, whole: Whole, sent: signal.Signals, number: int, *, seed: str) -> Iterator[dict[str, Any]]:
    """Yield what came of a signal at each of some random moments."""
    for index, moment in enumerate(random_moments(whole, num_kills=number, rng=Random(seed))):
        yield killing.trial(index, moment, whole, sent=sent)


def _others(killing: Killing, whole: Whole, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield what came of each fault; one that this machine does not allow says so."""
    faults, may_mount = Faults(killing, whole), can_mount(killing.folder)
    for name in names:
        if name in NEED_A_MOUNT and not may_mount:
            yield {"fault": name, "times": 0, "differs": [], "skipped": "this user may not mount a file system"}
        else:
            yield faults.row(name)


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
