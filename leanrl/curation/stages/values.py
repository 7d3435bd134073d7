"""Rows by the value of a column, such as a published difficulty."""

from collections.abc import Sequence
from typing import Any

from leanrl.config.sections.field_types import Finite
from leanrl.config.sections.section import Section, key
from leanrl.curation.stages.stage import CuratedRow, Finding, dropped
from leanrl.errors import Problem


class ColumnValues(Section):
    column: str = key("", "a column that the source keeps")
    min: Finite | None = key(None, "least number that stays")
    max: Finite | None = key(None, "largest number that stays")
    values: list[Any] = key([], "values that stay; empty: by min and max")


def contradictions(parameters: ColumnValues) -> Sequence[Problem]:
    """Return what makes the stage keep nothing, or everything."""
    found = []
    if not parameters.column:
        found.append(Problem("column", "names no column", "one of the source's kept_columns"))
    if parameters.min is None and parameters.max is None and not parameters.values:
        found.append(Problem("min, max, values", "none is set, so the stage would drop nothing"))
    if parameters.min is not None and parameters.max is not None and parameters.min > parameters.max:
        found.append(Problem("min, max", f"min {parameters.min:g} is above max {parameters.max:g}: no row can stay"))
    return found


def judge_values(parameters: ColumnValues, row: CuratedRow) -> Finding:
    """Drop a row whose value is outside the band or not among the values."""
    value = row.columns.get(parameters.column)
    if parameters.values:
        return Finding(row) if value in parameters.values else dropped(f"{parameters.column} is {value!r:.40}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return dropped(f"{parameters.column} is {value!r:.40}, no number")
    low = parameters.min is None or value >= parameters.min
    high = parameters.max is None or value <= parameters.max
    return Finding(row) if low and high else dropped(f"{parameters.column} is {value:g}")
