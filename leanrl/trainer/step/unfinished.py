"""A rollout that is not used up: what later updates on it need, kept in the checkpoints between them.

Each rank keeps its own rows, in a file that names the rank and how many there are: their parts of a rollout are others
where another number of ranks trains, and the rollout is then drawn again.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from leanrl.engine.rows import StepRow
from leanrl.trainer.ranks.among_ranks import Ranks
from leanrl.trainer.step.rollout_metrics import RolloutLog
from leanrl.trainer.step.updates import RolloutRows

_IDS = ("prompt_ids", "completion_ids")


class Unfinished(NamedTuple):
    """The rows of a rollout, and by name what else is in its middle: plain values."""

    rollout: RolloutRows
    states: dict[str, Any]


class KeptLog(RolloutLog):
    """The log of a rollout of which the records are left: its metrics were written before the checkpoint."""

    def __init__(self, records: Sequence[Mapping[str, Any]]) -> None:
        super().__init__()
        self._records = records

    def records(self, reward_names: Sequence[str]) -> Iterator[dict[str, Any]]:
        yield from map(dict, self._records)


def save_unfinished(
    folder: Path, rollout: RolloutRows, ranks: Ranks, *, records: Sequence[Mapping[str, Any]], states: Mapping[str, Any]
) -> None:
    """Write this rank's part of a rollout into the folder of a checkpoint.

    Args:
        records: what samples of completions will show of it.
        states: plain values, by name.
    """
    plain = {"has_rows": rollout.has_rows, "records": records, "states": states}
    updates = [[_packed(row) for row in rows] for rows in rollout.updates]
    torch.save({"plain": json.dumps(plain), "updates": updates}, _file(folder, ranks))


def load_unfinished(folder: Path, ranks: Ranks) -> Unfinished | None:
    """Return this rank's part of the rollout of a checkpoint; None where there is none for as many ranks."""
    file = _file(folder, ranks)
    if not file.is_file():
        return None
    held = torch.load(file, map_location="cpu", weights_only=True)
    plain = json.loads(held["plain"])
    updates = [[_unpacked(row) for row in rows] for rows in held["updates"]]
    rollout = RolloutRows(updates, list(plain["has_rows"]), KeptLog(plain["records"]))
    return Unfinished(rollout, plain["states"])


def _packed(row: StepRow) -> dict[str, Any]:
    values = {field.name: getattr(row, field.name) for field in fields(row)}
    ids = {name: torch.tensor(values[name], dtype=torch.int32) for name in _IDS}
    # a copy: rows are views of a rank's whole batch, and torch.save writes all of what is viewed
    own = {name: value.detach().cpu().clone() for name, value in values.items() if isinstance(value, Tensor)}
    return {**values, **ids, **own}


def _unpacked(values: Mapping[str, Any]) -> StepRow:
    return StepRow(**{**values, **{name: values[name].tolist() for name in _IDS}})


def _file(folder: Path, ranks: Ranks) -> Path:
    return folder / f"rollout-rank-{ranks.index}-of-{ranks.count}.pt"
