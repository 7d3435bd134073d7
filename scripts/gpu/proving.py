"""One stage on this machine: whether it can run, its commands one after the other, and what they show."""

import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bounded import run_bounded
from card import GIB, Card, find_card, users_of_card
from readings import READERS, Files, Reading
from stages import Stage, Step, words_for

from leanrl.machine.card_faults import find_card_fault
from leanrl.machine.environment import installed_version, installed_vllm

ROOT = Path(__file__).resolve().parents[2]
# What a step may take longer where it is rehearsed: toy sizes, but on a busy CPU.
_REHEARSAL_FACTOR = 4
Row = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """What a step needs to know of the machine and of this call."""

    device: str
    card: Card | None
    out: Path
    package_root: Path | None
    deadline: float

    @property
    def is_rehearsal(self) -> bool:
        return self.device == "cpu"

    @property
    def left_seconds(self) -> float:
        return self.deadline - time.monotonic()


def prove(stage: Stage, target: Target, *, on_step: Callable[[Row], object]) -> Row:
    """Run the steps of a stage one after the other, and return its row.

    `on_step` gets the row after each step; until the last it says `unfinished`, unless a step has failed by then.
    """
    row: Row = {"name": stage.name, "proves": stage.proves, "verdict": "passed", "why": None, "steps": []}
    why = why_skipped(stage, target)
    if why is not None:
        return row | {"verdict": "skipped", "why": why}
    for step in stage.steps:
        row["steps"].append(prove_step(step, stage, target))
        row |= {"verdict": worst(row["steps"]), "why": first_reason(row["steps"])}
        is_whole = len(row["steps"]) == len(stage.steps) or row["verdict"] in ("failed", "stopped")
        on_step(row if is_whole else row | {"verdict": "unfinished"})
    return row


def why_skipped(stage: Stage, target: Target) -> str | None:
    """Return why a stage cannot run here, with the bytes or packages that it would need."""
    missing = [package for package in stage.packages if not is_here(package, stage, target)]
    if missing:
        return f"not installed: {', '.join(missing)}"
    if target.card is None:
        return None
    if target.card.problems():
        return "; ".join(target.card.problems())
    free = (find_card() or target.card).free_bytes / GIB
    if free >= stage.gib:
        return None
    others = users_of_card()
    used_by = f", used by {'; '.join(others)}" if others else ""
    total = target.card.total_bytes / GIB
    return f"{free:.1f} of {total:.1f} GiB are free, and it needs {stage.gib:g}{used_by}"


def is_here(package: str, stage: Stage, target: Target) -> bool:
    """Return whether a distribution is installed, or lies in a folder of `--sites` that the stage uses."""
    if package == "vllm" and installed_vllm() is not None:
        return True
    if installed_version(package) is not None:
        return True
    folders = package_folders(stage, target)
    stem = package.replace("-", "_")
    return any(next(folder.glob(f"{stem}-*.dist-info"), None) is not None for folder in folders)


def package_folders(stage: Stage, target: Target) -> list[Path]:
    """Return the folders of packages that a stage puts first on PYTHONPATH."""
    if target.package_root is None:
        return []
    return [folder for name in stage.package_folders if (folder := target.package_root / name).is_dir()]


def prove_step(step: Step, stage: Stage, target: Target) -> Row:
    """Run one command, read what it wrote, and return its row."""
    row: Row = {"name": step.name, "verdict": "passed", "why": None}
    why = why_step_skipped(step, stage, target)
    if why is not None:
        return row | {"verdict": "skipped", "why": why}
    folder = target.out / re.sub(r"\W+", "-", stage.name)
    files = Files(folder / re.sub(r"\W+", "-", step.name), folder / "runs")
    card = None if target.card is None else target.card.known_name
    seconds = min(step.seconds * (_REHEARSAL_FACTOR if target.is_rehearsal else 1), target.left_seconds)
    words = words_for(
        device=target.device, card=card, seconds=seconds, out=files.out, runs=files.runs, python=sys.executable
    )
    log = files.out.with_suffix(".log")
    ended = run_bounded(
        step.command(words, is_rehearsal=target.is_rehearsal),
        seconds=seconds,
        log=log,
        cwd=ROOT,
        environment=environment(step, stage, target),
    )
    row |= {"seconds": round(ended.seconds, 1), "exit_code": ended.exit_code}
    if ended.exit_code is None:
        row |= {"verdict": "stopped", "why": f"stopped after {ended.seconds:.0f} s", "last": ended.last_lines}
    elif ended.exit_code != step.expects:
        why = f"exit code {ended.exit_code}, not {step.expects}"
        row |= {"verdict": "failed", "why": why, "last": ended.last_lines}
    else:
        row |= read(step, files, target)
    return with_library(row, log)


def with_library(row: Row, log: Path) -> Row:
    """Return the row of a step; where it did not pass, its reason begins with the CUDA library that is at fault.

    A benchmark that starts processes of its own ends with exit code 0, and their last lines are in its results.
    """
    if row["why"] is None:
        return row
    fault = find_card_fault(f"{log.read_text(encoding='utf-8', errors='replace')}\n{row['why']}")
    return row if fault is None else row | {"why": f"{fault} ({row['why']})"}


def why_step_skipped(step: Step, stage: Stage, target: Target) -> str | None:
    if step.only is not None and step.only != target.device:
        return f"only on {step.only}"
    missing = [package for package in step.packages if not is_here(package, stage, target)]
    if missing:
        return f"not installed: {', '.join(missing)}"
    if not target.is_rehearsal and target.left_seconds < step.seconds:
        return f"{max(0.0, target.left_seconds):.0f} s are left, and it may take {step.seconds:.0f}"
    return None


def environment(step: Step, stage: Stage, target: Target) -> dict[str, str]:
    """Return the variables of a step's process: the tree first, then the stage's packages."""
    paths = [str(ROOT), *map(str, package_folders(stage, target)), os.environ.get("PYTHONPATH", "")]
    quiet = {
        "HF_HUB_OFFLINE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
    }
    on_cpu = {"OMP_NUM_THREADS": "1", "TORCHDYNAMO_DISABLE": "1"} if target.is_rehearsal else {}
    return dict(os.environ) | quiet | on_cpu | dict(step.environment)


def read(step: Step, files: Files, target: Target) -> Row:
    """Return what the step measured, and `failed` where a limit is missed or nothing can be read."""
    if step.reads is None:
        return {}
    try:
        reading = READERS[step.reads](files, is_rehearsal=target.is_rehearsal)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reading = Reading({}, (f"its results cannot be read: {type(error).__name__}: {error}",))
    found: Row = {"measured": reading.measured}
    return found if not reading.problems else found | {"verdict": "failed", "why": "; ".join(reading.problems)}


def worst(steps: Sequence[Row]) -> str:
    """Return the verdict of a stage: what failed counts more than what was skipped."""
    found = [step["verdict"] for step in steps]
    ranked = [verdict for verdict in ("failed", "stopped") if verdict in found]
    if ranked:
        return ranked[0]
    return "passed" if "passed" in found else "skipped"


def first_reason(steps: Sequence[Row]) -> str | None:
    """Return what is wrong with the first step that failed, or else with the first that was skipped."""
    ordered = [*(step for step in steps if step["verdict"] in ("failed", "stopped")), *steps]
    return next((f"{step['name']}: {step['why']}" for step in ordered if step["why"]), None)
