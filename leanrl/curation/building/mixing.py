"""The mix: rows drawn from each part by seed, in one order."""

import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from leanrl.config.sections.section import Section
from leanrl.curation.recipes.recipe import MixConfig
from leanrl.curation.stages.stage import CuratedRow, Finding, Judged, dropped
from leanrl.errors import DataError

Order = Literal["shuffled", "easy_to_hard", "as_read"]
_OWN_COLUMNS = frozenset(("id", "problem", "answer", "solution", "source"))
_LEVELS = {"easy": 1.0, "medium": 2.0, "hard": 3.0}


@dataclass(frozen=True)
class MixedPart:
    """What the mix took of a part, `wanted` None meaning all."""

    part: str
    rows: Sequence[CuratedRow]
    judged: Judged
    wanted: int | None


class NoParameters(Section):
    pass


def draw_part(mix: MixConfig, rows: Sequence[CuratedRow], *, seed: int) -> MixedPart:
    """Draw the rows of one part; where there are fewer than wanted, all of them."""
    wanted = len(rows) if mix.num_rows is None else mix.num_rows
    places = range(len(rows))
    chosen = set(places if wanted >= len(rows) else random.Random(f"{seed} {mix.part}").sample(places, wanted))
    findings = [
        Finding(_taken(row, mix)) if place in chosen else dropped(f"not drawn: {wanted:,} of {len(rows):,} are")
        for place, row in enumerate(rows)
    ]
    return MixedPart(mix.part, rows, Judged(findings), mix.num_rows)


def put_in_order(rows: Sequence[CuratedRow], order: Order, *, seed: int) -> list[CuratedRow]:
    """Return the rows of all parts as the dataset has them; ids that two parts share get the part's name.

    Raises:
        DataError: if rows are to be sorted by a level that says no order.
    """
    rows = _with_own_ids(rows)
    if order == "as_read":
        return rows
    random.Random(f"{seed} order").shuffle(rows)
    return sorted(rows, key=_hardness) if order == "easy_to_hard" else rows


def _taken(row: CuratedRow, mix: MixConfig) -> CuratedRow:
    row = row.with_column("part", mix.part)
    return row if mix.level is None else row.with_column("level", mix.level)


def _hardness(row: CuratedRow) -> tuple[float, float]:
    """Return what rows are sorted by: their level, then how seldom a solver solves them."""
    return _level_number(row), -float(row.columns.get("pass_rate") or 0.0)


def _level_number(row: CuratedRow) -> float:
    """Return a level as a number, 0 where there is none."""
    level: Any = row.columns.get("level")
    if level is None:
        return 0.0
    if isinstance(level, str):
        found = re.findall(r"\d+(?:\.\d+)?", level)
        if level.strip().lower() in _LEVELS:
            return _LEVELS[level.strip().lower()]
        if len(found) == 1:
            return float(found[0])
    elif isinstance(level, int | float) and not math.isnan(level):
        return float(level)
    raise DataError(
        f"order: easy_to_hard has no place for row {row.id}, whose level is {level!r:.60}.",
        hint="levels are numbers, texts with one number such as Level 3, or easy, medium and hard; or order: shuffled",
    )


def _with_own_ids(rows: Sequence[CuratedRow]) -> list[CuratedRow]:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.id] = counts.get(row.id, 0) + 1
    return [row if counts[row.id] == 1 else replace(row, id=f"{row.columns['part']}/{row.id}") for row in rows]


def column_names(rows: Sequence[CuratedRow]) -> list[str]:
    """Return the columns that any row has, in the order in which they first stand."""
    return list(dict.fromkeys(name for row in rows for name in row.columns))


def as_table(rows: Sequence[CuratedRow]) -> list[Mapping[str, Any]]:
    """Return the rows as they are written: one type in a column, lists of answers where any row has several.

    Where a conversation asks any of them, all problems are conversations, which training reads as it read the source's.

    A kept column whose name the dataset needs itself is written as `original_NAME`.
    """
    has_several = any(len(row.answers) > 1 for row in rows)
    has_turns = any(row.conversation is not None for row in rows)
    has_solutions = any(row.solution is not None for row in rows)
    names = column_names(rows)
    as_text = {name for name in names if len({_kind(row.columns.get(name)) for row in rows} - {None}) > 1}
    return [
        {
            "id": row.id,
            "problem": row.asked.turns if has_turns else row.problem,
            "answer": list(row.answers) if has_several else row.answers[0],
            **({"solution": row.solution} if has_solutions else {}),
            "source": row.source,
            **{_written(name): _value(row.columns.get(name), is_text=name in as_text) for name in names},
        }
        for row in rows
    ]


def _written(name: str) -> str:
    return f"original_{name}" if name in _OWN_COLUMNS else name


def _kind(value: Any) -> str | None:
    if value is None:
        return None
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def _value(value: Any, *, is_text: bool) -> Any:
    return str(value) if is_text and value is not None else value
