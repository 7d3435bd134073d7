"""docs/reliability.md, written from scripts/pages/reliability_introduction.md and the newest faults-*.json.

Write it anew with `python scripts/pages/reliability_table.py > docs/reliability.md` after `make test-faults`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"

_INTRODUCTION = Path(__file__).with_name("reliability_introduction.md")
_HEAD = "| fault | run | times | exit code | lost |\n|---|---|---|---|---|"


def newest_results(folder: Path = RESULTS) -> Path:
    """Return the results file of the last date."""
    return max(folder.glob("faults-*.json"))


def reliability_page(file: Path) -> str:
    """Return the text of docs/reliability.md."""
    found = json.loads(file.read_text(encoding="utf-8"))
    machine = found["machine"]
    return _INTRODUCTION.read_text(encoding="utf-8").format(
        file=file.name,
        table="\n".join([_HEAD, *_lines(found)]),
        machine=f"{machine['system']}, {machine['num_cpus']} CPU cores",
        commit=found["commit"],
        command=found["command"],
        random_moments=_moments(found),
        remarks=_remarks(found),
    )


def _lines(found: Mapping[str, Any]) -> list[str]:
    first = next(iter(found["kills"]))
    signals = [("kill -9", name, rows) for name, rows in found["kills"].items()] + [("SIGTERM", first, found["terms"])]
    lines = [_line(fault, name, rows) for fault, name, rows in signals if rows]
    return lines + [_other(first, row) for row in found["faults"]]


def _line(fault: str, name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the line of a signal at random moments; a run that was over before its moment says so by its code."""
    codes = ", ".join(str(code) for code in sorted({row["exit_code"] for row in rows}))
    identical = sum(not row["differs"] for row in rows)
    lost = f"nothing: {identical} of {len(rows)} identical" if identical == len(rows) else _lost(rows)
    return f"| {fault} | {name} | {len(rows)} | {codes} | {lost} |"


def _other(name: str, row: Mapping[str, Any]) -> str:
    if "skipped" in row:
        return f"| {row['fault']} | {name} | 0 | | not injected: {row['skipped']} |"
    nothing = row.get("given_up", "nothing")
    return f"| {row['fault']} | {name} | {row['times']} | {row['exit_code']} | {_lost([row]) or nothing} |"


def _lost(rows: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(what for row in rows for what in row["differs"])


def _remarks(found: Mapping[str, Any]) -> str:
    """Say which kinds of runs were not killed, and what a killed grader was doing."""
    others = [name for name in found.get("kinds", ()) if name not in found["kills"]]
    lines = [f"Without their kills in this run of `make test-faults`: {'; '.join(others)}."] if others else []
    lines += [
        f"Each grader that was killed ({row['times']}) had read an answer and not judged it. "
        f"All {row['num_verdicts']} verdicts of the run are those of a run without the fault."
        for row in found["faults"]
        if "num_verdicts" in row
    ]
    return "".join(f"{line}\n" for line in lines) + ("\n" if lines else "")


def _moments(found: Mapping[str, Any]) -> str:
    """Say within what the signals came, and how long a SIGTERM took to save."""
    rows = [row for of_case in found["kills"].values() for row in of_case]
    phases = sorted({row["phase"] for row in rows})
    text = f"Kills come at random moments within: {', '.join(phases).replace('_', ' ')}."
    seconds = [row["seconds_to_exit"] for row in found["terms"] if row["exit_code"] == 143]
    return text + (f" After SIGTERM a run took {max(seconds):.1f} s at most to save and end." if seconds else "")


if __name__ == "__main__":
    print(reliability_page(newest_results()), end="")
