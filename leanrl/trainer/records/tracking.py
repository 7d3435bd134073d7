"""Tracker: what `tracking` names is told beside what TRL logs: leanrl's config, its other metrics, and completions."""

import importlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from transformers import TrainerCallback, TrainerState
from transformers.integrations import TensorBoardCallback, TrackioCallback, WandbCallback

from leanrl.config.schema import RunConfig

_CALLBACKS: dict[str, type[TrainerCallback]] = {
    "wandb": WandbCallback,
    "trackio": TrackioCallback,
    "tensorboard": TensorBoardCallback,
}
_CONFIG = "leanrl"
_TABLE = "completions"


class Tracker:
    """One experiment tracker of a run, on the first rank.

    Args:
        callback: what transformers tells the tracker with; it has opened it when training begins.
        name: of the tracker's package.
    """

    def __init__(self, callback: TrainerCallback, name: str) -> None:
        self._callback = callback
        self._name = name

    def send_config(self, config: RunConfig) -> None:
        """Put the resolved config of the run beside what TRL makes of it."""
        resolved = config.model_dump(mode="json")
        if self._name == "tensorboard":
            text = json.dumps(resolved, indent=2, ensure_ascii=False)
            self._writer.add_text(_CONFIG, _as_code(text.splitlines()))
        else:
            self._package.config.update({_CONFIG: resolved}, allow_val_change=True)

    def send_metrics(self, metrics: Mapping[str, Any], logged: Mapping[str, Any], *, args: Any, state: Any) -> None:
        """Send the numbers of a step that TRL has not logged under the same name, as train/GROUP/NAME."""
        told = {"step", "eval", *logged}  # an evaluation logs itself
        others = dict(flat_numbers({name: value for name, value in metrics.items() if name not in told}))
        others = {name: value for name, value in others.items() if name not in logged}
        self._callback.on_log(args, state, None, logs=others)

    def send_completions(self, records: Iterable[Mapping[str, Any]], state: TrainerState) -> None:
        """Send completions with their problems, verdicts and rewards as a table."""
        rows = [dict(record) for record in records]
        columns = list(dict.fromkeys(name for row in rows for name in row))
        cells = [[_cell(row.get(name)) for name in columns] for row in rows]
        if self._name == "tensorboard":
            self._writer.add_text(_TABLE, _as_code(_lines(columns, cells)), state.global_step)
        else:
            table = self._package.Table(columns=columns, data=cells)
            self._package.log({_TABLE: table, "train/global_step": state.global_step})

    @property
    def _package(self) -> Any:
        return importlib.import_module(self._name)

    @property
    def _writer(self) -> Any:
        return vars(self._callback)["tb_writer"]


def tracker_of(callbacks: Sequence[TrainerCallback], name: str) -> Tracker | None:
    """Return the tracker that `tracking` names, among the callbacks of a trainer; None for none."""
    kind = _CALLBACKS.get(name)
    found = None if kind is None else next((one for one in callbacks if isinstance(one, kind)), None)
    return None if found is None else Tracker(found, name)


def flat_numbers(metrics: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield every number of a line of metrics.jsonl; one in a group has the name GROUP/NAME."""
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            yield from flat_numbers(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield prefix + name, value


def _cell(value: Any) -> Any:
    """Return a number or a text; anything else as JSON. Trackers ask for one type in a column, so null is a text."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _lines(columns: Sequence[str], cells: Sequence[Sequence[Any]]) -> Iterator[str]:
    for row in cells:
        yield from (f"{name}: {cell}" for name, cell in zip(columns, row, strict=True))
        yield ""


def _as_code(lines: Iterable[str]) -> str:
    """Return lines as a block that TensorBoard's markdown takes as it is: it would read a completion's own marks."""
    return "\n".join(f"    {part}" for line in lines for part in line.split("\n"))
