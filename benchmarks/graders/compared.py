"""The verdicts of this checkout against those of another one, and each that differs.

    python -m benchmarks.graders.compared OTHER_CHECKOUT DATA_DIR

Both judge the labelled cases, the recorded completions, and each gold answer of the benchmark files (500 of a file)
plus zero and against its neighbour, by `leanrl grade`. Writes benchmarks/results/grading-verdicts-<date>.json.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.graders.cases import FILES, read_cases
from benchmarks.graders.judges import read_lines
from benchmarks.results_file import RESULTS, write_results_file
from leanrl.machine.environment import describe_machine
from leanrl.types import GradeMode

HERE = Path(__file__).parents[2]
RECORDED = HERE / "benchmarks" / "data" / "graded_completions.jsonl"
MODES: tuple[GradeMode, ...] = ("strict", "lenient")
MAX_GOLDS = 500
SHOWN_CHARS = 120


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path)
    parser.add_argument("data_dir", type=Path)
    asked = parser.parse_args()
    lines = [*labelled(asked.data_dir), *read_lines(RECORDED), *golds(asked.data_dir)]
    requests = [{name: line[name] for name in ("completion", "gold", "problem") if line.get(name)} for line in lines]
    found: dict[str, Any] = {"verdicts": len(requests) * len(MODES), "different": []}
    for mode in MODES:
        before, after = (verdicts(checkout, requests, mode) for checkout in (asked.other, HERE))
        for request, old, new in zip(requests, before, after, strict=True):
            if old != new:
                shown = {"gold": request["gold"], "answer": request["completion"][-SHOWN_CHARS:]}
                found["different"].append({"mode": mode, **shown, "before": old, "after": new})
    written = {
        "command": "python -m benchmarks.graders.compared OTHER_CHECKOUT DATA_DIR",
        "date": date.today().isoformat(),
        "machine": describe_machine(),
        "other_commit": commit_of(asked.other),
    }
    path = RESULTS / f"grading-verdicts-{date.today().isoformat()}.json"
    write_results_file(path, written | found)
    print(f"{found['verdicts']} verdicts, {len(found['different'])} different: {path}")


def labelled(data_dir: Path) -> list[dict[str, Any]]:
    """Return the labelled cases of a folder as lines to grade."""
    cases = [case for name in FILES if (data_dir / name).is_file() for case in read_cases(data_dir / name)]
    return [{"completion": case.completion, "gold": case.gold, "problem": case.problem} for case in cases]


def golds(data_dir: Path) -> list[dict[str, Any]]:
    """Return each gold answer of the benchmark files plus zero, and as the answer to the one before it."""
    lines = []
    for path in sorted(data_dir.glob("*.jsonl")):
        answers = dict.fromkeys(str(row["answer"]) for row in read_lines(path) if "answer" in row)
        for gold, other in pairwise(list(answers)[:MAX_GOLDS]):
            lines += [{"gold": gold, "completion": rf"$\boxed{{{answer}}}$"} for answer in (f"{gold} + 0", other)]
    return lines


def verdicts(checkout: Path, requests: list[dict[str, Any]], mode: GradeMode) -> list[str]:
    """Return the reasons that the grader of a checkout gives."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as log:
        log.writelines(json.dumps(request) + "\n" for request in requests)
        log.flush()
        command = [sys.executable, "-m", "leanrl", "grade", log.name, "--mode", mode, "--json"]
        env = os.environ | {"PYTHONPATH": str(checkout.resolve())}
        done = subprocess.run(command, cwd=checkout, env=env, stdout=subprocess.PIPE, text=True, check=True)
    return [verdict["reason"] for verdict in map(json.loads, done.stdout.splitlines()) if "reason" in verdict]


def commit_of(checkout: Path) -> str:
    """Return the commit of a checkout."""
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
