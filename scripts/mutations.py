"""Puts the faults of scripts/mutations.yaml into a copy of the code, one at a time, and runs the tests that must fail.

    scripts/mutate [BIN_FOLDER] [--only NAME...] [--jobs N]

Writes benchmarks/results/mutations-<date>.json after each fault of the whole list. Exit code 1 unless all are caught.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

import yaml

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "scripts" / "mutations.yaml"
TEST_SECONDS = 300

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
    """Return the list of scripts/mutations.yaml."""
    entries = yaml.safe_load(LIST.read_text(encoding="utf-8"))
    return [Mutation(**entry | {"tests": tuple(entry["tests"])}) for entry in entries]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", help="names of faults")
    parser.add_argument("--jobs", type=int, default=2, help="faults at a time, of one thread each")
    asked = parser.parse_args()
    mutations = [mutation for mutation in read_mutations() if not asked.only or mutation.name in asked.only]
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        copies: SimpleQueue[Path] = SimpleQueue()
        for index in range(asked.jobs):
            copies.put(_copy(Path(folder) / str(index)))
        with ThreadPoolExecutor(asked.jobs) as pool:
            running = {pool.submit(_try, mutation, copies): mutation for mutation in mutations}
            for done in as_completed(running):
                rows.append(asdict(running[done]) | {"outcome": done.result()})
                print(f"{rows[-1]['outcome']:17} {rows[-1]['name']}", flush=True)
                if not asked.only:
                    _write(rows, len(mutations))
    num_caught = _num_caught(rows)
    print(f"{num_caught} of {len(mutations)} caught")
    return int(num_caught < len(mutations))


def _copy(target: Path) -> Path:
    """Copy what git tracks, as it stands in the working tree."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


def _try(mutation: Mutation, copies: "SimpleQueue[Path]") -> Outcome:
    root = copies.get()
    try:
        if _run(mutation.tests, root) != _PASSED:
            return "fails without it"
        undo = mutation.apply(root)
        try:
            return _OUTCOMES.get(_run(mutation.tests, root), "no test ran")
        finally:
            undo()
    except ValueError:
        return "stale"
    finally:
        copies.put(root)


def _run(tests: tuple[str, ...], root: Path) -> int | None:
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
        return process.wait(timeout=TEST_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None


def _num_caught(rows: list[dict[str, Any]]) -> int:
    return sum(row["outcome"] == "caught" for row in rows)


def _write(rows: list[dict[str, Any]], num_mutations: int) -> None:
    from benchmarks.results_file import RESULTS, write_results_file
    from leanrl.environment import describe_machine

    content = {
        "command": "scripts/mutate",
        "date": date.today().isoformat(),
        "machine": describe_machine(),
        "mutations": num_mutations,
        "caught": _num_caught(rows),
        "rows": sorted(rows, key=lambda row: str(row["name"])),
    }
    write_results_file(RESULTS / f"mutations-{date.today().isoformat()}.json", content)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
