"""The table in the form of the paper's Tables 1 to 3: scores, hardware, time and cost, this run first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from leanrl.report.figures.grid import figure_grid
from leanrl.report.quantities import NONE, number_text
from leanrl.report.rendering import fill
from leanrl.report.run_data import RunData
from leanrl.report.scores.evaluations import Evaluated, read_evaluations, score_curves

_COST = ("hardware", "hours", "dollars")
_LEAD = (
    "Scores in per cent. Those of this run are by leanrl's grader, with their 95 % interval over problems. Published "
    "rows have other prompts, samples and machines: `leanrl compare` tests a difference."
)


@dataclass(frozen=True)
class PublishedRow:
    """A published row: `scores` are shares by benchmark; `cost` has hardware, hours and dollars where known."""

    model: str
    source: str
    scores: Mapping[str, float]
    cost: Mapping[str, Any] = field(default_factory=dict)


def scores_section(data: RunData, published: Sequence[PublishedRow]) -> Markup:
    """Return the scores of the run's checkpoints over steps, and beside published ones; nothing without any score."""
    evaluated = [] if data.path is None else read_evaluations(data.path)
    if not evaluated:
        return Markup()
    benchmarks = list(dict.fromkeys(one.benchmark for one in evaluated))
    shared = [row for row in published if any(name in row.scores for name in benchmarks)]
    rows = [*_own_rows(evaluated, benchmarks, data), *(_published_cells(row, benchmarks) for row in shared)]
    head = ["model", "source", *benchmarks, *_COST]
    return fill(
        "scores.html",
        title="Scores on benchmarks",
        lead=_LEAD,
        figures=figure_grid(score_curves(evaluated)),
        head=head,
        rows=rows,
    )


def _own_rows(evaluated: Sequence[Evaluated], benchmarks: Sequence[str], data: RunData) -> list[list[str]]:
    """Return a row for each checkpoint and protocol, with what the run cost."""
    groups: dict[tuple[int, str], dict[str, Evaluated]] = {}
    for one in evaluated:
        groups.setdefault((one.step, one.protocol), {})[one.benchmark] = one
    cost = _own_cost(data)
    return [
        [f"{data.folder_name}, step {step}", protocol, *(_own_cell(found.get(name)) for name in benchmarks), *cost]
        for (step, protocol), found in sorted(groups.items())
    ]


def _own_cost(data: RunData) -> list[str]:
    """Return hardware, hours and dollars of the run so far; dollars where the config has the price of a card's hour."""
    gpus = data.env.get("gpus")
    names = [str(gpu) for gpu in gpus] if isinstance(gpus, list) else []
    hardware = f"{len(names)}x {names[0]}" if names else str(data.env.get("cpu") or NONE)
    seconds, price = data.summary.get("seconds"), data.setting("hardware.usd_per_hour")
    hours = seconds / 3600 if isinstance(seconds, int | float) else None
    is_known = hours is not None and isinstance(price, int | float) and len(names) > 0
    dollars = hours * price * len(names) if is_known else None
    return [hardware, number_text(hours), number_text(dollars)]


def _own_cell(one: Evaluated | None) -> str:
    if one is None:
        return NONE
    return f"{100 * one.accuracy:.1f} [{100 * one.low:.1f}, {100 * one.high:.1f}]"


def _published_cells(row: PublishedRow, benchmarks: Sequence[str]) -> list[str]:
    scores = [f"{100 * row.scores[name]:.1f}" if name in row.scores else NONE for name in benchmarks]
    return [row.model, row.source, *scores, *(str(row.cost.get(name, NONE)) for name in _COST)]
