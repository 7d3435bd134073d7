"""Published scores that come with leanrl, read from reference_rows.yaml, with their sources."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from leanrl.config.names.nearest import did_you_mean, nearest_name
from leanrl.errors import ConfigError

_FILE = Path(__file__).with_name("reference_rows.yaml")
# A row that is named without its source is taken from the first of these that has it.
_ORDER = ("sober", "paper", "tina", "tina-a6000", "author-l40", "curve")


@dataclass(frozen=True)
class Published:
    """A published accuracy, as a fraction: the mean of `num_draws` draws, and their deviation where it is known."""

    mean: float
    deviation: float | None
    num_draws: int
    draws_are_assumed: bool = False


@dataclass(frozen=True)
class ReferenceRow:
    """The published scores of one model by one source.

    A row `is_copied` where the source took it from elsewhere, so that its prompt and sampling are not the source's.
    `sampling` holds temperature, top_p and max_completion_tokens of the source, by the names of evaluation.json.
    """

    source: str
    name: str
    title: str
    sampling: Mapping[str, Any]
    scores: Mapping[str, Published]
    note: str = ""
    is_copied: bool = False
    cost: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.source}:{self.name}"


@cache
def reference_rows() -> tuple[ReferenceRow, ...]:
    """Return all rows, in the order of the file."""
    content = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return tuple(row for source, entry in content["sources"].items() for row in _rows_of(source, entry))


def find_row(name: str) -> ReferenceRow:
    """Return a row by SOURCE:ROW, or by ROW alone: the independent re-evaluation's where it has one, else the paper's.

    Raises:
        ConfigError: if no row has that name, with the nearest that has.
    """
    by_label = {row.label: row for row in reference_rows()}
    for label in (name, *(f"{source}:{name}" for source in _ORDER)):
        if label in by_label:
            return by_label[label]
    names = [*by_label, *dict.fromkeys(row.name for row in reference_rows())]
    raise ConfigError(f"There is no published row {name!r}.", hint=did_you_mean(nearest_name(name, names)))


def _rows_of(source: str, entry: Mapping[str, Any]) -> Iterator[ReferenceRow]:
    for name, row in _written_rows(entry):
        deviations = row.get("deviations", {})
        scores = {
            benchmark: Published(
                mean=score / 100,
                deviation=deviations[benchmark] / 100 if benchmark in deviations else None,
                num_draws=entry.get("seeds", {}).get(benchmark, 1),
                draws_are_assumed=entry.get("seeds_are_assumed", False),
            )
            for benchmark, score in row["scores"].items()
        }
        yield ReferenceRow(
            source=source,
            name=name,
            title=entry["title"],
            sampling=entry["sampling"],
            scores=scores,
            note=row.get("note", ""),
            is_copied=row.get("is_copied", False),
            cost=row.get("cost", {}),
        )


def _written_rows(entry: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from entry.get("rows", {}).items()
    curves = dict(entry.get("curves", {}))
    benchmarks = curves.pop("benchmarks", ())
    for experiment, steps in curves.items():
        for step, scores in steps.items():
            yield f"{experiment}@{step}", {"scores": dict(zip(benchmarks, scores, strict=True))}
