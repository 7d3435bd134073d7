"""A built dataset's own rows in an order that its solvers' replies give."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leanrl.config.sections.data import DataConfig
from leanrl.curation.building.folder import DatasetFolder, read_manifest
from leanrl.curation.building.ledger import read_ledger
from leanrl.curation.ranking.files import RankedProblems, in_order, rank_run
from leanrl.curation.ranking.ranks import Order, Seen, seen_in
from leanrl.data.load import load_problems
from leanrl.errors import ConfigError
from leanrl.hints import quoted
from leanrl.types import Row

_SOLVES = "pass_rate"  # the kind of stage that asks a solver

_Key = tuple[str, str, str]  # part, source and id of a row: two parts or sources may share an id


def rank_folder(path: Path, order: Order) -> RankedProblems:
    """Return the problems of a run, or of a dataset that `leanrl data build` made, in an order.

    Raises:
        ConfigError: if there is no run and no dataset, or nothing saw its problems.
        DataError: if its data cannot be read any more, or its build was not finished.
    """
    return rank_built(path, order) if DatasetFolder(path).recipe.is_file() else rank_run(path, order)


def rank_built(path: Path, order: Order) -> RankedProblems:
    """Return the rows of a built dataset; each stage that asked a solver about a row is a visit.

    Raises:
        ConfigError: if no stage asked a solver about a row that the dataset has.
        DataError: if its build was not finished.
    """
    manifest = read_manifest(path)
    visits = _visits(path, manifest)
    rows = load_problems(DataConfig(path=str(path)), seed=0, kept_columns=None).train
    parts = manifest["recipe"]["parts"]
    seen = [_seen(row, visits, parts) for row in rows]
    if not any(seen):
        raise ConfigError(
            f"{path} has no stage `kind: {_SOLVES}` that asked a solver about its rows: there is nothing to rank by.",
            hint=f"`leanrl data show {quoted(path)}` prints its stages; docs/data.md has the keys of one",
        )
    return in_order(rows, seen, order)


def _visits(path: Path, manifest: Mapping[str, Any]) -> Mapping[_Key, list[list[bool]]]:
    solving = {(step["part"], step["stage"]) for step in manifest["funnel"] if step["kind"] == _SOLVES}
    visits: dict[_Key, list[list[bool]]] = {}
    for record in read_ledger(DatasetFolder(path).ledger):
        if (record.part, record.stage) in solving:
            correct = [verdict == "correct" for verdict in record.verdicts]
            visits.setdefault((record.part, record.source, record.row_id), []).append(correct)
    return visits


def _seen(row: Row, visits: Mapping[_Key, list[list[bool]]], parts: Mapping[str, Any]) -> Seen | None:
    """Return what was seen of a row in its part, and in the parts that dropped it before."""
    part: str | None = row.columns["part"]
    row_id = str(row.id).removeprefix(f"{part}/")  # how the mix tells apart rows of two parts
    groups: list[list[bool]] = []
    while part is not None:
        source = row.columns["source"]
        groups = [*visits.get((part, source, row_id), visits.get((part, source, str(row.id)), [])), *groups]
        taken = parts[part].get("dropped_by")
        part = None if taken is None else taken["part"]
    return seen_in(groups)
