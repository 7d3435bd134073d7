"""Puts the faults of mutations.yaml into a copy of the code, one at a time, and runs the tests that must fail.

    scripts/mutate [BIN_FOLDER] [--only NAME...] [--jobs N] [--continue]

All tests that are named run once without a fault. Writes benchmarks/results/mutations-<date>.json after each fault of
the whole list. `--continue` keeps the rows of today's file whose fault was caught in the same code by the same tests,
and adds to them.
Exit code 1 unless all are caught.
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

import yaml

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("mutations.yaml")
TEST_SECONDS = 300
_ALL_TESTS_SECONDS = 3600

Outcome = Literal["caught", "survived", "timeout", "stale", "fails without it", "no test ran"]
# By pytest's exit code; 2 to 5 say that no test could be run.
_PASSED = 0
_OUTCOMES: dict[int | None, Outcome] = {_PASSED: "survived", 1: "caught", None: "timeout"}


@dataclass(frozen=True)
class Mutation:
    """A fault: `old` stands once in `file` and becomes `new`; `tests` are arguments of pytest."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def apply(self, root: Path) -> Callable[[], object]:
        """Put the fault into the file, and return what takes it out again.

        Raises:
            ValueError: if the text does not stand in the file exactly once.
        """
        path = root / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.name}: {self.old!r} stands {text.count(self.old)} times in {self.file}, not once")
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")
        return lambda: path.write_text(text, encoding="utf-8")


def read_mutations() -> list[Mutation]:
    """Return the list of scripts/mutations/mutations.yaml."""
    entries = yaml.safe_load(LIST.read_text(encoding="utf-8"))
    return [Mutation(**entry | {"tests": tuple(entry["tests"])}) for entry in entries]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", help="names of faults")
    parser.add_argument("--jobs", type=int, default=2, help="faults at a time, of one thread each")
    parser.add_argument("--continue", dest="go_on", action="store_true", help="keep what today's file says was caught")
    asked = parser.parse_args()
    mutations = read_mutations()
    named = [mutation for mutation in mutations if not asked.only or mutation.name in asked.only]
    rows = kept_rows(_rows_of_today(), mutations, ROOT) if asked.go_on else []
    kept = {row["name"] for row in rows}
    for row in _tried([mutation for mutation in named if mutation.name not in kept], asked.jobs):
        rows.append(row)
        print(f"{row['outcome']:17} {row['name']}", flush=True)
        if asked.go_on or not asked.only:
            _write(rows, len(mutations))
    if asked.go_on:
        _write(rows, len(mutations))  # also without the rows that do not hold
    num_wanted = len(mutations if asked.go_on else named)
    print(f"{_num_caught(rows)} of {num_wanted} caught")
    return int(_num_caught(rows) < num_wanted)


def _tried(mutations: list[Mutation], num_jobs: int) -> Iterator[dict[str, Any]]:
    """Yield the row of each fault when its tests have ended."""
    from leanrl.machine.environment import checkout_commit

    commit = checkout_commit()
    copies: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(num_jobs) as pool:
        roots = [_copy(Path(folder) / str(index)) for index in range(num_jobs)]
        as_rows = {mutation.name: row_of(mutation, roots[0]) for mutation in mutations}
        passing = _passing({mutation.tests for mutation in mutations}, roots[0])
        for root in roots:
            copies.put(root)
        running = {pool.submit(_try, mutation, copies, passing): mutation.name for mutation in mutations}
        for done in as_completed(running):
            yield as_rows[running[done]] | {"outcome": done.result(), "commit": commit}


def kept_rows(rows: list[dict[str, Any]], mutations: list[Mutation], root: Path) -> list[dict[str, Any]]:
    """Return the rows of an earlier run that still hold: caught, and entry, mutated file and tests are the same."""
    entries = {mutation.name: row_of(mutation, root) for mutation in mutations}
    return [
        row
        for row in rows
        if row["outcome"] == "caught" and entries.get(row["name"], {}).items() <= row.items() and row["name"] in entries
    ]


def row_of(mutation: Mutation, root: Path) -> dict[str, Any]:
    """Return an entry as a row, with one hash over the file that it changes and the files of its tests."""
    named = [root / test.split("::")[0] for test in mutation.tests]
    files = sorted({root / mutation.file, *(file for path in named for file in (path, *path.rglob("*.py")))})
    contents = b"".join(file.read_bytes() for file in files if file.is_file())
    return asdict(mutation) | {"tests": list(mutation.tests), "sha256": hashlib.sha256(contents).hexdigest()}


def _passing(sets: set[tuple[str, ...]], root: Path) -> set[tuple[str, ...]]:
    """Return the sets of tests that pass without a fault; one run of all tests shows it where none fails."""
    every = sorted({test for tests in sets for test in tests})
    if not every or _run(every, root, seconds=_ALL_TESTS_SECONDS) == _PASSED:
        return sets
    return {tests for tests in sets if _run(tests, root) == _PASSED}


def _copy(target: Path) -> Path:
    """Copy what git tracks, as it stands in the working tree."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


def _try(mutation: Mutation, copies: "SimpleQueue[Path]", passing: set[tuple[str, ...]]) -> Outcome:
    if mutation.tests not in passing:
        return "fails without it"
    root = copies.get()
    try:
        undo = mutation.apply(root)
        try:
            return _OUTCOMES.get(_run(mutation.tests, root), "no test ran")
        finally:
            undo()
    except ValueError:
        return "stale"
    finally:
        copies.put(root)


def _run(tests: Sequence[str], root: Path, *, seconds: int = TEST_SECONDS) -> int | None:
    """Return pytest's exit code, or None where the tests take too long; what they started ends with them."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None


def _num_caught(rows: list[dict[str, Any]]) -> int:
    return sum(row["outcome"] == "caught" for row in rows)


def _file_of_today() -> Path:
    return ROOT / "benchmarks" / "results" / f"mutations-{date.today().isoformat()}.json"


def _rows_of_today() -> list[dict[str, Any]]:
    path = _file_of_today()
    return list(json.loads(path.read_text(encoding="utf-8"))["rows"]) if path.is_file() else []


def _write(rows: list[dict[str, Any]], num_mutations: int) -> None:
    from benchmarks.results_file import write_results_file
    from leanrl.machine.environment import describe_machine

    content = {
        "command": "scripts/mutate",
        "date": date.today().isoformat(),
        "machine": describe_machine(),
        "mutations": num_mutations,
        "caught": _num_caught(rows),
        "rows": sorted(rows, key=lambda row: str(row["name"])),
    }
    write_results_file(_file_of_today(), content)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
