"""A run's own problems as a file, in an order that its ledger gives."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leanrl.config.load import load_run_config
from leanrl.curation.ranking.ranks import Order, Seen, ranked, seen_of
from leanrl.data.load import load_problems
from leanrl.data.values import plain
from leanrl.errors import ConfigError
from leanrl.ledger.run_ledger import RunLedger
from leanrl.storage.output_folder import new_lines, require_new_file
from leanrl.storage.run_folder import open_run_folder
from leanrl.types import GoldList, Row, prompt_id

_PREFIX = "leanrl_"  # of the columns that are added to those of the source


@dataclass(frozen=True)
class RankedProblems:
    """The rows in their order, each with what was seen of it."""

    rows: list[Row]
    seen: list[Seen | None]

    @property
    def num_asked(self) -> int:
        return sum(each is not None for each in self.seen)


def rank_run(path: Path, order: Order) -> RankedProblems:
    """Return the problems that a run trains on, in an order by its ledger.

    Raises:
        ConfigError: if there is no run, it has no ledger, or its rows were given in Python.
        DataError: if its data cannot be read any more.
    """
    run = open_run_folder(path)
    config = load_run_config(run.config)
    if config.data.generator == "python":
        raise ConfigError(f"{path} trained on rows that were given in Python, which are not here.")
    if not run.ledger.is_file():
        raise ConfigError(
            f"{path} has no ledger: no step has finished, or it was made before runs had one.",
            hint="`leanrl data rank RUN` takes a run with finished steps",
        )
    ledger = RunLedger.load(run.ledger)
    rows = load_problems(config.data, seed=config.train.seed, kept_columns=None).train
    seen = [seen_of(ledger.visits(prompt_id(row))) for row in rows]
    if not any(seen):
        raise ConfigError(
            f"none of the {len(rows)} problems of {config.data.path or config.data.hub_id or config.data.generator} is "
            f"in the ledger of {path}: the data has changed since.",
            hint="bring back the data that the run was trained on",
        )
    return in_order(rows, seen, order)


def in_order(rows: Sequence[Row], seen: Sequence[Seen | None], order: Order) -> RankedProblems:
    """Return the rows in an order by what was seen of each."""
    places = ranked(seen, order)
    return RankedProblems([rows[place] for place in places], [seen[place] for place in places])


def write_ranked(problems: RankedProblems, out: Path) -> None:
    """Write the rows as JSON lines that `data.path` takes, with the columns of their source and what was seen.

    Raises:
        ConfigError: if `out` exists, or cannot be written.
    """
    require_new_file(out, option="--out")
    with new_lines(out) as file:
        for row, seen in zip(problems.rows, problems.seen, strict=True):
            file.write(json.dumps(_record(row, seen), ensure_ascii=False, default=plain) + "\n")


def _record(row: Row, seen: Seen | None) -> Mapping[str, Any]:
    gold = list(row.gold.answers) if isinstance(row.gold, GoldList) else row.gold
    own = dict(row.columns) or {"id": row.id, "problem": row.problem, "answer": gold}
    shown = dict.fromkeys(Seen.__dataclass_fields__) if seen is None else vars(seen)
    return own | {f"{_PREFIX}{name}": value for name, value in shown.items()}
