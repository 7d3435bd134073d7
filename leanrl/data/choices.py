"""A multiple-choice row whose answer is the index of an option, as MMLU's are: its options and the letter."""

from collections.abc import Mapping
from typing import Any

from leanrl.data.columns import CHOICES_COLUMN, Columns, value_at
from leanrl.data.values import plain
from leanrl.prompting.options import LETTERS, with_options


def lettered(fields: Mapping[str, Any], columns: Columns) -> Mapping[str, Any]:
    """Return a row with its options below the problem and the right one's letter as its gold answer.

    A row without `choices`, or whose answer is no whole number that counts them from 0, is returned as it is.
    """
    options = plain(fields.get(CHOICES_COLUMN))
    problem, index = (plain(value_at(fields, name)) for name in (columns.problem, columns.answer))
    if not isinstance(options, list) or not 1 < len(options) <= len(LETTERS):
        return fields
    if not isinstance(problem, str) or type(index) is not int or not 0 <= index < len(options):
        return fields
    return {
        **fields,
        columns.problem: with_options(problem, list(map(str, options))),
        columns.answer: LETTERS[index],
    }
