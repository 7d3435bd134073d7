"""docs/models.md, written from scripts/pages/models_introduction.md and the newest benchmarks/results/families-*.json.

Write it anew with `python scripts/pages/models_table.py > docs/models.md` after `make test-families`, and when the
planner learns a family: that column is what the planner says of the row's config.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from leanrl.errors import NoFormulaError  # noqa: E402 - scripts/ is no package: the tests' table is found from ROOT
from leanrl.planner.models.shapes import shape_from_config  # noqa: E402
from tests.families.table import named  # noqa: E402
from tests.families.tiny import tiny_config  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"

_INTRODUCTION = Path(__file__).with_name("models_introduction.md")
_METHODS = ("lora", "full", "qlora")
_NAMES = {"lora": "LoRA", "full": "full", "qlora": "QLoRA"}


def newest_results(folder: Path = RESULTS) -> Path:
    """Return the results file of the last date."""
    return max(folder.glob("families-*.json"))


def models_page(file: Path) -> str:
    """Return the text of docs/models.md."""
    found = json.loads(file.read_text(encoding="utf-8"))
    rows: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in found["rows"]:
        rows.setdefault(row["family"], {})[row["method"]] = row
    head = _INTRODUCTION.read_text(encoding="utf-8").format(
        file=file.name, command=f"`{found['command']}`", counts=_counts(found["rows"], rows)
    )
    lines = [_line(name, methods) for name, methods in rows.items()]
    return head + "\n".join([*lines, *_failures(found["rows"])]) + "\n"


def _counts(all_rows: Sequence[Mapping[str, Any]], families: Mapping[str, Any]) -> str:
    tried = [row for row in all_rows if "refused" not in row]
    passed = [row for row in tried if "failure" not in row]
    num_families = len({row["family"] for row in passed})
    return (
        f"{num_families} of {len(families)} families in the table pass every path; of the {len(tried)} pairs of family "
        f"and method that were run, {len(passed)} did."
    )


def _line(name: str, methods: Mapping[str, Mapping[str, Any]]) -> str:
    passed = [row for row in methods.values() if "refused" not in row and "failure" not in row]
    one = next(iter(methods.values()))
    return (
        "| "
        + " | ".join(
            [
                name,
                one["features"],
                ", ".join(
                    _method(methods[method]) if method in methods else f"{_NAMES[method]}: not run"
                    for method in _METHODS
                ),
                _plan_source(name) if passed else "",
                _same(passed, "rows"),
                _pair(methods, "packed_from_padded"),
                _pair(methods, "gradient_error"),
                _number(max((row["resumed"] for row in passed), default=None)),
                _number(max((_most_nats(row["merged"]) for row in passed), default=None)),
            ]
        )
        + " |"
    )


def _method(row: Mapping[str, Any]) -> str:
    name = _NAMES[row["method"]]
    if "refused" in row:
        return f"({name}: {row['refused']})"
    if "failure" in row:
        return f"{name} fails"
    return name if row["targets"] == "all-linear" else f"{name} on attention"


def _plan_source(family: str) -> str:
    """Return whether the planner has a formula for a row's config."""
    try:
        shape_from_config(tiny_config(named(family)).to_dict())
    except NoFormulaError:
        return "simulated"
    return "formula"


def _same(rows: Sequence[Mapping[str, Any]], column: str) -> str:
    return ", ".join(sorted({row[column] for row in rows}))


def _pair(methods: Mapping[str, Mapping[str, Any]], column: str) -> str:
    values = [_number(methods.get(method, {}).get(column)) for method in ("lora", "full")]
    return " / ".join(values) if any(values) else ""


def _number(value: float | None) -> str:
    return "" if value is None else "0" if value == 0 else f"{value:.0e}"


def _most_nats(verification: str) -> float:
    """Read the figure out of leanrl's own sentence."""
    found = re.search(r"on average and (\S+) at most", verification)
    return float(found[1]) if found else 0.0


def _failures(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    failed = [row for row in rows if "failure" in row]
    if failed:
        yield from ("", "## What fails", "", "| family | method | where it ends |", "|---|---|---|")
    for row in failed:
        lines = row["failure"].replace("|", "/").strip().splitlines()
        command = lines[0].partition(":")[0]
        cause = next((line for line in lines if line.startswith("error")), lines[-1])
        yield f"| {row['family']} | {_NAMES[row['method']]} | {command}: {cause[:250]} |"


if __name__ == "__main__":
    print(models_page(newest_results()), end="")
