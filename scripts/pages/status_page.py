"""docs/status.md, written from the promises in docs/status/*.yaml.

Write it anew with `python scripts/pages/status_page.py > docs/status.md`.
"""

import ast
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from leanrl.config.files.yaml_text import parse_yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "status"
# In the order of the page: a file of docs/status each.
AREAS = (
    "training",
    "memory",
    "algorithms",
    "grading",
    "planner",
    "closed_form",
    "rollouts",
    "tuning",
    "models",
    "data",
    "evaluation",
    "long_runs",
    "command_line",
    "packaging",
    "measurements",
    "gpu",
)
SECTIONS = {
    1: "a first run",
    2: "rewards and grading",
    3: "the planner",
    4: "the engine",
    5: "rollouts",
    6: "tuning and export",
    7: "any model, any file",
    8: "the plan against the run",
    9: "before a GPU is there",
    10: "a strict grader",
    11: "rooms and seams",
    12: "evaluation and report",
    13: "long runs",
    14: "training data",
    15: "the front door",
}
MARKS = ("measured", "contract-tested", "read", "unknown")
MOST_CHARACTERS = 240  # two lines of 120
_ID = re.compile(r"(\d+)\.(?:\d+[a-z]?|[a-z][a-z ]*)")
_MACHINE = "linux-x86_64-2cpu-"  # begins the names of most results files, and tells nothing in a table

_INTRODUCTION = """\
# Status

Written by `python scripts/pages/status_page.py > docs/status.md` from `docs/status/*.yaml`, one entry a promise. A row
says what holds and links the tests, results files or pages that prove it; **Not done** and **Limit** say what does
not hold. A link's title names the test. A test finds every proof.

A row about a GPU has one mark: `measured` with a results file, `contract-tested` against the installed torch or vLLM,
`read` in their source or in public logs, or `unknown`, which needs a card.
"""


@dataclass(frozen=True)
class Promise:
    """What holds, what proves it, and what of it is missing; `gpu` is one of MARKS where a GPU is spoken of."""

    id: str
    holds: str = ""
    proof: tuple[str, ...] = ()
    gpu: str = ""
    missing: str = ""


@dataclass(frozen=True)
class Area:
    """The promises of one file of docs/status."""

    title: str
    about: str
    promises: tuple[Promise, ...]


def read_areas(folder: Path) -> list[Area]:
    """Return the areas of `folder` in the order of the page."""
    return [_area(parse_yaml((folder / f"{name}.yaml").read_text(encoding="utf-8"))) for name in AREAS]


def status_page(areas: Sequence[Area]) -> str:
    """Return the text of docs/status.md."""
    numbers = "; ".join(f"{number} {words}" for number, words in SECTIONS.items())
    legend = textwrap.fill(f"The first number of a row is its list of promises: {numbers}.", 120)
    lines = [_INTRODUCTION, legend, ""]
    for area in areas:
        lines += [f"## {area.title}", "", *([area.about, ""] if area.about else [])]
        lines += ["| # | what holds | proof |", "|---|---|---|", *map(_row, area.promises), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def problems(areas: Sequence[Area], root: Path) -> list[str]:
    """Return a line for each fault of an entry: its form, its length, and proofs that do not exist."""
    promises = [promise for area in areas for promise in area.promises]
    found = [f"{promise.id}: {fault}" for promise in promises for fault in _faults(promise, root)]
    texts = [(promise.id, promise.holds, promise.missing) for promise in promises]
    return found + [
        f"{text[0]}: is written twice: {text[1]}" for text in sorted({t for t in texts if texts.count(t) > 1})
    ]


def _area(values: Mapping[str, Any]) -> Area:
    unquoted = [str(entry["id"]) for entry in values["promises"] if not isinstance(entry["id"], str)]
    if unquoted:
        raise ValueError(f"{values['title']}: put the id in quotes, YAML reads it as a number: {', '.join(unquoted)}")
    promises = tuple(
        Promise(**{name: tuple(value) if name == "proof" else value for name, value in entry.items()})
        for entry in values["promises"]
    )
    return Area(values["title"], values.get("about", ""), promises)


def _faults(promise: Promise, root: Path) -> list[str]:
    number = _ID.fullmatch(promise.id)
    length = len(promise.holds) + len(promise.missing)
    checks = {
        "id: must be SECTION.ITEM, as 7.14a, with a section of SECTIONS": not number or int(number[1]) not in SECTIONS,
        "has neither `holds` nor `missing`": not promise.holds and not promise.missing,
        "`holds` without a proof; say what is not done under `missing`": bool(promise.holds) and not promise.proof,
        f"{length} characters, {MOST_CHARACTERS} at most: split it or shorten it": length > MOST_CHARACTERS,
        f"gpu: {promise.gpu} is none of {', '.join(MARKS)}": promise.gpu not in ("", *MARKS),
        "gpu: measured needs a results file among its proofs": promise.gpu == "measured"
        and not any(proof.startswith("benchmarks/results/") for proof in promise.proof),
    }
    unfound = [f"{proof} does not exist" for proof in promise.proof if not _exists(proof, root)]
    return [fault for fault, is_so in checks.items() if is_so] + unfound


def _exists(proof: str, root: Path) -> bool:
    file, _, test = proof.partition("::")
    return (root / file).exists() and (not test or test.partition("[")[0] in _functions(root / file))


@cache
def _functions(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _row(promise: Promise) -> str:
    what = "Limit" if promise.holds else "Not done"
    parts = [
        promise.holds,
        f"**{what}:** {promise.missing}" if promise.missing else "",
        f"GPU: {promise.gpu}" if promise.gpu else "",
    ]
    text = ". ".join(part for part in parts if part).replace("|", r"\|")
    return f"| {promise.id} | {text} | {_links(promise.proof)} |"


def _links(proof: Sequence[str]) -> str:
    tests: dict[str, list[str]] = {}
    for name in proof:
        file, _, test = name.partition("::")
        tests.setdefault(file, []).extend([test] if test else [])
    return ", ".join(_link(file, names) for file, names in tests.items())


def _link(file: str, names: Sequence[str]) -> str:
    path = Path(file)
    shown = "/".join(path.with_suffix("").parts[-2:]) if path.suffix == ".py" else path.name.removeprefix(_MACHINE)
    title = f' "{", ".join(names)}"' if names else ""
    return (
        f"[{shown}](../{file}{title})" if path.parts[0] != "docs" else f"[{shown}]({path.relative_to('docs')}{title})"
    )


if __name__ == "__main__":
    AREAS_READ = read_areas(FOLDER)
    WRONG = problems(AREAS_READ, ROOT)
    if WRONG:
        sys.exit("\n".join(WRONG))
    print(status_page(AREAS_READ), end="")
