"""Kills of every kind of run, SIGTERMs and other faults of one kind, written to a results file: `make test-faults`.

python -m tests.faults.matrix benchmarks/results/faults-DATE.json
"""

import argparse
import json
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from leanrl.machine.environment import describe_machine
from tests.families import forked
from tests.faults.cases import CASES, named, write_problems
from tests.faults.kills import Killing, Whole, random_moments
from tests.faults.others import FAULTS, NEED_A_MOUNT, Faults, can_mount
from tests.faults.results import Kind, Results, opened
from tests.side_by_side import rows_side_by_side

ROOT = Path(__file__).parents[2]
# A signal that comes behind the end of its run is no kill: another moment is drawn, up to so many for each kill.
_MOST_MOMENTS = 3


def main() -> int:
    """Write the file after each fault; exit 1 if a run lost anything."""
    asked = _asked(sys.argv[1:])
    results = opened(
        asked.out,
        _about(sys.argv[2:]) | {"seed": asked.seed, "is_cold": asked.cold},
        is_continued=asked.is_continued,
        order=[case.name for case in CASES],
    )
    forked.warm_up()
    with TemporaryDirectory() as folder:
        model, problems = Path(folder) / "model", write_problems(Path(folder) / "problems.jsonl")
        made = forked.in_fork(lambda: _make_model(model))
        assert made.code == 0, made.err

        def rows(name: str) -> Iterator[dict[str, Any]]:
            place = Path(folder) / str(asked.cases.index(name))  # a name has commas, which separate values of a fault
            place.mkdir()
            killing = Killing(named(name), model=model, problems=problems, folder=place, is_cold=asked.cold)
            return _rows(killing, asked, results)

        num_failed = 0
        for number, row in rows_side_by_side([partial(rows, name) for name in asked.cases], at_once=asked.at_once):
            name = asked.cases[number]
            if row is None:
                num_failed += 1
                print(f"error: the faults of {name} stopped; what is said above is why", file=sys.stderr)
                continue
            results.add(row.pop("kind"), name, row)
            print(name, json.dumps(row), flush=True)
    return int(num_failed + results.num_different > 0)


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--cases", nargs="*", default=[case.name for case in CASES])
    parser.add_argument("--kills", type=int, default=20, help="of each kind of run")
    parser.add_argument("--terms", type=int, default=10, help="SIGTERMs of the first kind of run")
    parser.add_argument("--faults", nargs="*", default=list(FAULTS), help="of the first kind of run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cold", action="store_true", help="start an interpreter for each process")
    parser.add_argument("--continue", dest="is_continued", action="store_true", help="add what the file lacks")
    parser.add_argument("--at-once", type=int, default=1, help="parts that run side by side")
    asked = parser.parse_args(arguments)
    for what, chosen, known in (
        ("--cases", asked.cases, [case.name for case in CASES]),
        ("--faults", asked.faults, list(FAULTS)),
    ):
        if unknown := [name for name in chosen if name not in known]:
            parser.error(f"{what} does not know {', '.join(unknown)}; it knows {', '.join(known)}")
    return asked


def _rows(killing: Killing, asked: argparse.Namespace, results: Results) -> Iterator[dict[str, Any]]:
    """Yield what the file lacks of a kind of run: its kills, and signals and faults where it is the first."""
    name, made = killing.case.name, results.content
    parts: list[tuple[Kind, int, Callable[[Whole, int], Iterator[dict[str, Any]]]]] = [
        ("kills", asked.kills - len(results.of_kills(name)), partial(_sent, killing, signal.SIGKILL, asked)),
    ]
    if name == asked.cases[0]:
        faults = [fault for fault in asked.faults if fault not in {row["fault"] for row in made["faults"]}]
        parts += [
            ("terms", asked.terms - len(made["terms"]), partial(_sent, killing, signal.SIGTERM, asked)),
            ("faults", len(faults), lambda whole, _: _others(killing, whole, faults)),
        ]
    if all(num_lacking <= 0 for _, num_lacking, _ in parts):
        return
    whole = killing.whole()
    for kind, num_lacking, rows_of in parts:
        if num_lacking > 0:
            yield from ({"kind": kind, **row} for row in rows_of(whole, num_lacking))


def _sent(
    killing: Killing, sent: signal.Signals, asked: argparse.Namespace, whole: Whole, num_lacking: int
) -> Iterator[dict[str, Any]]:
    """Yield what came of a signal at each of some random moments, behind those that were drawn before."""
    num_made = (asked.kills if sent is signal.SIGKILL else asked.terms) - num_lacking
    moments = random_moments(whole, rng=Random(f"{asked.seed}/{killing.case.name}/{sent.name}"))
    for number, moment in enumerate(islice(moments, num_made, num_made + _MOST_MOMENTS * num_lacking)):
        row = killing.trial(number, moment, whole, sent=sent)
        if row["was_reached"] or row["differs"]:
            yield row
            num_lacking -= 1
        if num_lacking == 0:
            return


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


def _about(arguments: Sequence[str]) -> dict[str, Any]:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "command": shlex.join(["python", "-m", "tests.faults.matrix", "OUT", *arguments]),
        "commit": commit,
        "date": date.today().isoformat(),
        "machine": describe_machine(),
        "kinds": [case.name for case in CASES],
    }


if __name__ == "__main__":
    sys.exit(main())
