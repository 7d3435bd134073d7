"""Every family through every path, written to a results file: `make test-families`.

python -m tests.families.matrix benchmarks/results/families-DATE.json
"""

import argparse
import json
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.results_file import write_results_file
from leanrl.machine.environment import describe_machine
from tests.cli.run import Outcome
from tests.families import forked
from tests.families.family import METHODS, Method
from tests.families.paths import Line, PathError, walk
from tests.families.table import FAMILIES, named

ROOT = Path(__file__).parents[2]
MOST_GRADIENT_ERROR = 1e-4


def main() -> int:
    """Write the file after each row, so that a run that ends early has what it found; exit 1 if a row failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="*", help="names of rows")
    parser.add_argument("--jobs", type=int, default=2, help="rows at a time, of one thread each")
    parser.add_argument("--continue", dest="goes_on", action="store_true", help="keep the rows of OUT that passed")
    asked = parser.parse_args()
    forked.warm_up()
    families = [family for family in FAMILIES if not asked.only or family.name in asked.only]
    order = [(family.name, method) for method in METHODS for family in families]
    content, rows = _about(), _passed(asked.out) if asked.goes_on else {}
    with ProcessPoolExecutor(asked.jobs, mp_context=get_context("fork")) as pool:
        running = {pool.submit(_row, *wanted): wanted for wanted in order if wanted not in rows}
        for done in as_completed(running):
            rows[running[done]] = done.result()
            wanted = [(family.name, method) for family in FAMILIES for method in METHODS]
            content["rows"] = [rows[row] for row in wanted if row in rows]
            write_results_file(asked.out, content)
            print(json.dumps(done.result()), flush=True)
    return int(any("failure" in row for row in content["rows"]))


def _passed(file: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the rows of an earlier part of the walk, each with the commit that it was made at."""
    found = json.loads(file.read_text(encoding="utf-8"))
    kept = ({"commit": found["commit"]} | row for row in found["rows"] if "failure" not in row)
    return {(row["family"], row["method"]): row for row in kept}


def _about() -> dict[str, Any]:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "command": "make test-families",
        "commit": commit,
        "date": date.today().isoformat(),
        "machine": describe_machine(),
    }


def _row(name: str, method: Method) -> dict[str, Any]:
    family = named(name)
    row: dict[str, Any] = {
        "family": family.name,
        "model_type": family.model_type,
        "features": family.features,
        "method": method,
        "targets": list(family.targets) if family.targets is not None and method != "full" else "all-linear",
        "refused_all_linear": family.refused.get("all-linear"),
    }
    if method in family.refused:
        return row | {"refused": family.refused[method]}
    started = time.monotonic()
    with TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        _forked_value(_MAKE.format(folder=str(model), name=family.name))
        try:
            for column, value in walk(Line(family, method, model, Path(folder)), forked.leanrl):
                row[column] = value  # noqa: PERF403 - what was found before a failure stays
            if method != "qlora":
                work = _GRADIENT.format(folder=str(model), name=family.name, method=method)
                row["gradient_error"] = float(_forked_value(work).out.split()[-1])
                if row["gradient_error"] > MOST_GRADIENT_ERROR:
                    share = f"{row['gradient_error']:.0%}"
                    raise PathError(f"gradients: error: they are {share} from those of plain transformers")
        except (PathError, AssertionError) as failure:
            row["failure"] = str(failure).replace(f"{folder}/", "")[-2000:]
    return row | {"seconds": round(time.monotonic() - started, 1)}


def _forked_value(work: str) -> Outcome:
    outcome = forked.in_fork(lambda: exec(work, {}))
    if outcome.code != 0:
        raise PathError(outcome.err[-1500:])
    return outcome


_MAKE = """
from pathlib import Path
from tests.families.table import named
from tests.families.tiny import make_tiny_family
make_tiny_family(Path({folder!r}), named({name!r}))
"""
_GRADIENT = """
from pathlib import Path
from tests.families.gradients import gradient_error
from tests.families.table import named
print(gradient_error(Path({folder!r}), named({name!r}), {method!r}))
"""

if __name__ == "__main__":
    sys.exit(main())
