"""The evaluations that lie in a run folder, as `leanrl eval` writes them, and their curves over the checkpoints."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leanrl.report.figures.curves import Curve, Series
from leanrl.storage.run_folder import read_json_if_whole

_FOLDER = re.compile(r"step-(\d+)-(.+)")


@dataclass(frozen=True)
class Evaluated:
    """The score of one checkpoint on one benchmark, as fractions, with its 95 % interval over problems."""

    step: int
    protocol: str
    benchmark: str
    accuracy: float
    low: float
    high: float
    num_problems: int
    num_samples: int


def read_evaluations(run: Path) -> list[Evaluated]:
    """Return the scores of all evaluations of a run by protocol, benchmark and step; broken files are passed over."""
    found = []
    for folder in run.glob("evals/step-*"):
        name = _FOLDER.fullmatch(folder.name)
        benchmarks = read_json_if_whole(folder / "scores.json").get("benchmarks") if name else None
        if name and isinstance(benchmarks, Mapping):
            entries = (_read(int(name[1]), name[2], str(each), entry) for each, entry in benchmarks.items())
            found += [one for one in entries if one is not None]
    return sorted(found, key=lambda one: (one.protocol, one.benchmark, one.step))


def score_curves(evaluated: Sequence[Evaluated]) -> list[Curve]:
    """Return the curve of each benchmark and protocol that two checkpoints or more were evaluated by (Figure 2)."""
    groups: dict[tuple[str, str], list[Evaluated]] = {}
    for one in evaluated:
        groups.setdefault((one.benchmark, one.protocol), []).append(one)
    return [_curve(*name, group) for name, group in groups.items() if len({one.step for one in group}) > 1]


def _curve(benchmark: str, protocol: str, group: Sequence[Evaluated]) -> Curve:
    steps = [one.step for one in group]
    lines = {"score": [one.accuracy for one in group], "95 % from": [one.low for one in group]}
    lines["95 % to"] = [one.high for one in group]
    caption = (
        f"Mean accuracy of each checkpoint, {protocol}, with its 95 % interval over {group[0].num_problems} problems."
    )
    series = [Series(name, steps, values) for name, values in lines.items()]
    slug = re.sub(r"\W+", "_", f"score_{benchmark}_{protocol}")
    return Curve(slug, benchmark, caption, "share", series)


def _read(step: int, protocol: str, benchmark: str, entry: Any) -> Evaluated | None:
    try:
        low, high = map(float, entry["interval_95"])
        accuracy = float(entry["accuracy"])
        return Evaluated(
            step, protocol, benchmark, accuracy, low, high, int(entry["num_problems"]), int(entry["num_samples"])
        )
    except (KeyError, TypeError, ValueError):
        return None
