"""docs/gpu.md, written from scripts/gpu/introduction.md and the newest results of scripts/gpu_proof.

Write it anew with `python scripts/gpu/page.py > docs/gpu.md` after a results file is added.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).parent))

from stages import Stage, read_stages  # noqa: E402 - scripts/ is no package

RESULTS = ROOT / "benchmarks" / "results"
_INTRODUCTION = Path(__file__).with_name("introduction.md")
_NOT_PROVED = Path(__file__).with_name("not_proved.md")
Results = Mapping[str, Any]


def read_results(folder: Path = RESULTS) -> list[Results]:
    """Return the results files of all cards and of the rehearsal, the newest last."""
    found = [
        json.loads(file.read_text(encoding="utf-8")) | {"file": file.name} for file in folder.glob("*-gpu-proof.json")
    ]
    return sorted(found, key=lambda one: one["date"])


def gpu_page(stages: Sequence[Stage], results: Sequence[Results]) -> str:
    """Return the text of docs/gpu.md."""
    on_cards = [one for one in results if not one["is_rehearsal"]]
    rehearsed = [one for one in results if one["is_rehearsal"]][-1:]
    parts = [
        _INTRODUCTION.read_text(encoding="utf-8"),
        _cards(on_cards),
        "\n".join(_table(stages, [*on_cards, *rehearsed])),
        _NOT_PROVED.read_text(encoding="utf-8"),
    ]
    return "\n".join(parts)


def _cards(on_cards: Sequence[Results]) -> str:
    if not on_cards:
        return "**No card has run it: nothing of leanrl is proved on a GPU.**\n"
    rows = [
        f"| {one['card']['name']} | {one['date']} | {one['machine']['versions'].get('torch')} | {one['commit']} | "
        f"[{one['file']}](../benchmarks/results/{one['file']}) |"
        for one in on_cards
    ]
    return "\n".join(["| card | date | torch | commit | results |", "|---|---|---|---|---|", *rows]) + "\n"


def _table(stages: Sequence[Stage], results: Sequence[Results]) -> Iterator[str]:
    heads = ["rehearsal on a CPU" if one["is_rehearsal"] else one["card"]["name"] for one in results]
    yield f"| stage | what it proves | {' | '.join(heads)} |".replace("|  |", "|")
    yield "|---|---|" + "---|" * len(heads)
    for stage in stages:
        cells = [_cell(stage.name, one) for one in results]
        yield f"| {' | '.join([stage.name, stage.proves, *cells])} |"
    yield ""


def _cell(name: str, results: Results) -> str:
    row = next((row for row in results["stages"] if row["name"] == name), None)
    if row is None:
        return "not run"
    steps = [f"{step['name']} {step['verdict']}" + (f": {step['why']}" if step["why"] else "") for step in row["steps"]]
    why = [] if row["steps"] or row["why"] is None else [row["why"]]
    detail = "; ".join(steps + why if row["verdict"] != "passed" or any("skipped" in step for step in steps) else [])
    return f"{row['verdict']} ({detail})" if detail else row["verdict"]


if __name__ == "__main__":
    print(gpu_page(read_stages(), read_results()), end="")
