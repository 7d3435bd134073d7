"""Memory and seconds of loading a large data set, kind by kind of file, and of reading whole numbers as golds.

    python benchmarks/loading.py [NUM_ROWS]

Every file has its own process: `growth` is the resident memory that the process gains while it loads, at its peak and
when only the problems are held. `worked` rows have a short problem, a number and a long solution that is not read;
`problems only` rows are nothing but their problem and a number, which is the worst case. Prints a table and writes
benchmarks/results/<machine>-<date>-loading.json.
"""

import argparse
import csv
import gc
import gzip
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.own_process import in_a_process, peak_bytes, resident_bytes
from benchmarks.results_file import RESULTS, results_path, write_results_file
from leanrl.config.sections.data import DataConfig
from leanrl.data.load import load_problems
from leanrl.grading.pool import GraderPool
from leanrl.machine.environment import describe_machine

_MIB = 2**20
_TEMPLATE = "{problem}\nPut the answer in \\boxed{}."
_WRITE_KIB = 64


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("num_rows", nargs="?", type=int, default=200_000)
    num_rows = parser.parse_args().num_rows
    with tempfile.TemporaryDirectory() as folder:
        rows = [in_a_process(_measure, path, what) for path, what in _files(Path(folder), num_rows)]
    golds = in_a_process(_time_golds, num_rows)
    print(golds)
    path = results_path(RESULTS, "loading", gpu={}, vram_gib=None, tiny=False)
    about = {"command": f"python benchmarks/{Path(__file__).name} {num_rows}", "machine": describe_machine()}
    write_results_file(path, about | {"num_rows": num_rows, "files": rows, "golds": golds})
    print(path)


def _files(folder: Path, num_rows: int) -> Iterator[tuple[Path, str]]:
    """Write each file, hand it over and remove it."""
    for what, make in (("worked", _worked), ("problems only", _bare)):
        lines = folder / "rows.jsonl"
        with lines.open("w") as file:
            file.writelines(json.dumps(make(number)) + "\n" for number in range(num_rows))
        yield lines, what
        for suffix, write in _OTHER_KINDS.items() if what == "worked" else ():
            path = folder / f"rows{suffix}"
            write(lines, path)
            yield path, what
            path.unlink()
        lines.unlink()


def _worked(number: int) -> dict[str, Any]:
    problem = f"Problem {number}: a farmer has {number} hens and buys {number % 97} more. How many are there?"
    return {"problem": problem, "answer": number + number % 97, "solution": f"Count {number}. " * 110}


def _bare(number: int) -> dict[str, Any]:
    return {"problem": f"Problem {number}. " + "A farmer buys hens. " * 80, "answer": number}


def _write_csv(lines: Path, path: Path) -> None:
    with lines.open() as rows, path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["problem", "answer", "solution"])
        writer.writeheader()
        writer.writerows(map(json.loads, rows))


def _write_array(lines: Path, path: Path) -> None:
    with lines.open() as rows, path.open("w") as file:
        for number, row in enumerate(rows):
            file.write(("[" if number == 0 else ",") + row)
        file.write("]")


def _write_parquet(lines: Path, path: Path) -> None:
    import pyarrow.json
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.json.read_json(lines), path)


def _write_packed(lines: Path, path: Path) -> None:
    with lines.open("rb") as rows, gzip.open(path, "wb", compresslevel=1) as file:
        shutil.copyfileobj(rows, file, _WRITE_KIB * 1024)


_OTHER_KINDS: dict[str, Callable[[Path, Path], None]] = {
    ".json": _write_array,
    ".csv": _write_csv,
    ".jsonl.gz": _write_packed,
    ".parquet": _write_parquet,
}


def _measure(path: Path, what: str) -> dict[str, Any]:
    load_problems(DataConfig(generator="one_digit_sums"), seed=0)
    if path.suffix == ".parquet":
        import pyarrow.parquet  # noqa: F401  its code is no part of the rows
    before, began, began_cpu = resident_bytes(), time.perf_counter(), time.process_time()
    problems = load_problems(DataConfig(path=str(path), prompt_template=_TEMPLATE), seed=0)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - began_cpu
    gc.collect()
    row = {
        "file": path.name.removeprefix("rows"),
        "rows": what,
        "num_problems": len(problems.train),
        "file_mib": round(path.stat().st_size / _MIB),
        "held_growth_mib": round((resident_bytes() - before) / _MIB),
        "peak_growth_mib": round((peak_bytes() - before) / _MIB),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu_seconds, 1),
    }
    print(row, flush=True)
    return row


def _time_golds(num_golds: int) -> dict[str, Any]:
    """Return the seconds that it takes to know that whole numbers can be read, all different."""
    golds = [str(7 * number) for number in range(num_golds)]
    with GraderPool() as grader:
        began, began_cpu = time.perf_counter(), time.process_time()
        parses = grader.can_parse_gold(golds)
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - began_cpu
    return {
        "num_golds": num_golds,
        "all_read": all(parses),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu_seconds, 2),
    }


if __name__ == "__main__":
    main()
