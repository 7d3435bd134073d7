"""docs/reproduction.md, written from scripts/pages/reproduction_rows.yaml and the presets of the three experiments.

Write it anew with `python scripts/pages/reproduction_table.py > docs/reproduction.md`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leanrl.config.files.yaml_text import parse_yaml
from leanrl.config.load import load_config
from leanrl.config.schema import RunConfig

EXPERIMENTS = ("exp1", "exp2", "exp3")
STATUSES = ("same", "renamed", "done by leanrl", "no effect", "left out")
_LONG = 60  # characters of a value that a table still shows
ROWS_FILE = Path(__file__).with_name("reproduction_rows.yaml")

_INTRODUCTION = """\
# What the paper ran, and what the presets run

Written by `python scripts/pages/reproduction_table.py > docs/reproduction.md` from `reproduction_rows.yaml` beside it
and the presets `a40x4-full-exp1`, `-exp2` and `-exp3`; a test compares, and reads each value in the final
`trl.GRPOConfig`.

The paper is Open-RS (arXiv 2503.16219). One recipe of it was published, that of experiment 3. Those of experiments 1
and 2 are rebuilt from what the paper says of them. Where three values stand in a row, they belong to experiments 1, 2
and 3. The rows say what the presets ask for; `leanrl train --preset a40x4-full-exp2 --dry-run` lists what of it this
version or your machine cannot run.

| status | means |
|---|---|
| same | the same name and value, or a value that leanrl pins without a key of its own |
| renamed | the same value under our name |
| done by leanrl | another way to the same end, or a fault of the run that is not repeated; the note says which |
| no effect | the paper lists it, but it did nothing in the run |
| left out | it acts on an account of yours; the flag turns it on |

These presets keep the faults of the runs. The presets that end in `-corrected` have them mended:
`leanrl presets diff a40x4-full-exp3 a40x4-full-exp3-corrected` lists them with the reasons.
"""

_TITLES = {
    "table_5": "## The paper's Table 5 and the published recipe",
    "pinned": "## What the run took from the defaults of its libraries, which are others today",
}


@dataclass(frozen=True)
class Row:
    """One line of the paper and where it went; `ours` is the value that a preset must hold, by experiment."""

    setting: str
    paper: str
    status: str
    key: str | None = None
    ours: Mapping[str, Any] = field(default_factory=dict)
    trl: Mapping[str, Any] = field(default_factory=dict)
    flag: str | None = None
    note: str = ""


def read_rows(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[Row]]:
    """Return the rows of each table, from plain values.

    Raises:
        ValueError: for a row without a known status, or without what its status calls for.
    """
    return {table: [_row(values) for values in rows] for table, rows in tables.items()}


def reproduction_table(tables: Mapping[str, Sequence[Row]]) -> str:
    """Return the text of docs/reproduction.md; our values are read from the presets."""
    configs = [load_config(f"a40x4-full-{experiment}").config for experiment in EXPERIMENTS]
    lines = [_INTRODUCTION]
    for table, rows in tables.items():
        lines += [_TITLES[table], "", "| setting | paper | leanrl | status | note |", "|---|---|---|---|---|"]
        lines += [_line(row, configs) for row in rows] + [""]
    return "\n".join(lines)


def value_of(config: RunConfig, key: str) -> Any:
    """Return the value of a dotted key."""
    node: Any = config
    for name in key.split("."):
        node = node[name] if isinstance(node, dict) else getattr(node, name)
    return node


def _row(values: Mapping[str, Any]) -> Row:
    ours = values.get("values") or (dict.fromkeys(EXPERIMENTS, values["value"]) if "value" in values else {})
    named = {name: value for name, value in values.items() if name not in ("value", "values")}
    row = Row(**{"status": "", **named, "paper": str(values["paper"])}, ours=ours)
    needs = {
        "same": bool(row.key or row.trl),
        "renamed": row.key is not None,
        "done by leanrl": bool(row.note),
        "no effect": bool(row.note),
        "left out": bool(row.key and row.flag),
    }
    if row.status not in needs:
        raise ValueError(f"{row.setting}: the status is {row.status!r}; it must be one of {', '.join(STATUSES)}")
    if not needs[row.status]:
        raise ValueError(f"{row.setting}: the row lacks what the status {row.status!r} calls for")
    return row


def _line(row: Row, configs: Sequence[RunConfig]) -> str:
    note = f"{row.note}: `-s {row.flag}`" if row.flag else row.note
    cells = [f"`{row.setting}`", row.paper, _ours(row, configs), _status(row), note]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _status(row: Row) -> str:
    return f"renamed to `{row.key}`" if row.status == "renamed" else row.status


def _ours(row: Row, configs: Sequence[RunConfig]) -> str:
    if row.key is not None:
        values = [_shown(value_of(config, row.key)) for config in configs]
        return f"`{row.key}`: {values[0] if len(set(values)) == 1 else '; '.join(values)}"
    return ", ".join(f"`GRPOConfig.{name}`: {_shown(value)}" for name, value in row.trl.items())


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_shown(inner)}" for name, inner in value.items())
    if isinstance(value, str):
        return value if len(value) <= _LONG else f"{len(value)} characters"
    return json.dumps(value)


if __name__ == "__main__":
    print(reproduction_table(read_rows(parse_yaml(ROWS_FILE.read_text(encoding="utf-8")))), end="")
