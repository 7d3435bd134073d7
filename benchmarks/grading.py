"""The grader against other graders, copied formulas, its recorded verdicts, gold answers, the clock and a busy machine.

    python benchmarks/grading.py DATA_DIR [--only PART ...]

DATA_DIR holds files of JSON Lines, any of which may be missing: grader_cases.jsonl and grader_cases_2.jsonl
({"prediction_text" or "completion", "gold", "expected"}), hostile_completions.jsonl ({"completion", "gold"}) and
benchmark files ({"problem", "answer", ...}). Prints tables and writes
benchmarks/results/<machine>-<date>-grading[-PART...].json with command, commit and versions.
"""

import argparse
import json
import logging
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.graders.cases import FILES, compare_graders, read_cases
from benchmarks.graders.clocks import judge_clocks
from benchmarks.graders.completions import compare_with_recorded
from benchmarks.graders.formulas import judge_copied
from benchmarks.graders.golds import judge_golds
from benchmarks.graders.judges import BY_CLASS, GRADERS, read_lines
from benchmarks.graders.load import judge_under_load
from benchmarks.results_file import RESULTS
from leanrl.machine.environment import describe_machine

COPIED_FROM, COPIED_PROBLEMS = ("deepscaler", "math_train"), 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--only", choices=PARTS, nargs="+", metavar="PART", help=f"of {', '.join(PARTS)}")
    asked = parser.parse_args()
    logging.disable(logging.ERROR)
    found: dict[str, Any] = {}
    for part in asked.only or PARTS:
        result = PARTS[part](asked.data_dir)
        print_tables(result)
        found |= result
    print(write_results(found, parts=asked.only or ()))


def run_cases(data_dir: Path) -> dict[str, Any]:
    paths = [data_dir / name for name in FILES if (data_dir / name).is_file()]
    return {path.stem: compare_graders(read_cases(path), GRADERS, by_class=BY_CLASS) for path in paths}


def run_load(data_dir: Path) -> dict[str, Any]:
    paths = [data_dir / name for name in FILES if (data_dir / name).is_file()]
    return {"load": [judge_under_load([case for path in paths for case in read_cases(path)])]} if paths else {}


def run_formulas(data_dir: Path) -> dict[str, Any]:
    files = {name: rows for name, rows in read_benchmarks(data_dir).items() if name in COPIED_FROM}
    return {"formulas": [judge_copied(name, rows, num_problems=COPIED_PROBLEMS) for name, rows in files.items()]}


def run_completions(data_dir: Path) -> dict[str, Any]:
    return {"completions": [compare_with_recorded()]}


def run_golds(data_dir: Path) -> dict[str, Any]:
    answers = {name: [str(row["answer"]) for row in rows] for name, rows in read_benchmarks(data_dir).items()}
    return {"golds": [judge_golds(name, golds) for name, golds in answers.items()]}


def run_clocks(data_dir: Path) -> dict[str, Any]:
    hostile = data_dir / "hostile_completions.jsonl"
    rows = [row for rows in read_benchmarks(data_dir).values() for row in rows]
    return judge_clocks(
        hostile=read_lines(hostile) if hostile.is_file() else [],
        solutions=[row for row in rows if "\\boxed" in str(row.get("solution"))],
    )


PARTS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "cases": run_cases,
    "formulas": run_formulas,
    "completions": run_completions,
    "golds": run_golds,
    "clocks": run_clocks,
    "load": run_load,
}


def read_benchmarks(data_dir: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each file whose rows have an answer, by the file's name without its ending."""
    files = {path.stem: read_lines(path) for path in sorted(data_dir.glob("*.jsonl"))}
    return {name: rows for name, rows in files.items() if "answer" in rows[0]}


def print_tables(found: dict[str, Any]) -> None:
    """Print each list of rows as a Markdown table, without what the results file alone lists row by row."""
    for title, value in found.items():
        if isinstance(value, dict) and any(isinstance(part, list) for part in value.values()):
            print_tables({f"{title}: {name}": part for name, part in value.items() if name != "wrong"})
        else:
            print_table(title, value if isinstance(value, list) else [value])


def print_table(title: str, rows: Iterable[dict[str, Any]]) -> None:
    rows = [{name: value for name, value in row.items() if not isinstance(value, list)} for row in rows]
    if rows:
        print(f"\n{title}\n\n| {' | '.join(rows[0])} |\n|{'---|' * len(rows[0])}")
    for row in rows:
        print(f"| {' | '.join(str(value) for value in row.values())} |", flush=True)


def write_results(found: dict[str, Any], *, parts: Iterable[str]) -> Path:
    machine = describe_machine()
    name = f"{machine['system'].lower().replace(' ', '-')}-{machine['num_cpus']}cpu-{date.today().isoformat()}"
    path = RESULTS / f"{'-'.join([name, 'grading', *parts])}.json"
    command = " ".join(["python benchmarks/grading.py DATA_DIR", *(["--only", *parts] if parts else [])])
    written = {"command": command, "date": date.today().isoformat(), "machine": machine}
    path.write_text(json.dumps(written | found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
