"""Rows that contradict each other: one id for two problems, or two gold answers for one problem."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from leanrl.data.heldout import text_key
from leanrl.data.rows import id_of
from leanrl.errors import DataError
from leanrl.grading.answers.certainty import certain_equality
from leanrl.grading.text.golds import read_gold
from leanrl.grading.text.normalisation import normalise
from leanrl.types import DroppedRow, GoldList, Row

Choice = Literal["keep_first", "drop_all", "error"]
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class FoundRow:
    """A row with the place that it was found at."""

    where: str
    row: Row


@dataclass(frozen=True, slots=True)
class _Clash:
    first: int
    second: int
    what: str


def settle_duplicates(found: Sequence[FoundRow], choice: Choice) -> tuple[list[Row], list[DroppedRow], int]:
    """Return the rows to keep, those dropped with the row that each contradicts, and the number of plain repeats.

    A repeat asks a problem again with the same gold answer and no id of its own: it is kept.

    Raises:
        DataError: if there are contradictions, and the choice is to refuse them; it names both rows of each.
    """
    clashes, first_of_repeat = _clashes(found)
    if clashes and choice == "error":
        shown = [f"  - {found[it.second].where} and {found[it.first].where}: {it.what}" for it in clashes[:_SHOWN]]
        raise DataError(
            "\n".join([f"{len(clashes)} rows contradict an earlier one; the first are", *shown]),
            hint="mend the rows, or `-s data.duplicates=keep_first` (or drop_all)",
        )
    reasons: dict[int, str] = {}
    for clash in clashes:
        reasons.setdefault(clash.second, f"{clash.what} as {found[clash.first].where}; data.duplicates is {choice}")
        if choice == "drop_all":
            other = f"{clash.what} as {found[clash.second].where}; data.duplicates is {choice}"
            reasons.setdefault(clash.first, other)
    repeats = {index: first for index, first in first_of_repeat.items() if first not in reasons}
    for index in first_of_repeat.keys() - repeats.keys():  # nobody knows whose gold answer is right
        reasons[index] = reasons[first_of_repeat[index]]
    dropped = [DroppedRow(found[index].where, reasons[index]) for index in sorted(reasons)]
    return [each.row for index, each in enumerate(found) if index not in reasons], dropped, len(repeats)


def _clashes(found: Sequence[FoundRow]) -> tuple[list[_Clash], dict[int, int]]:
    """Return the contradictions, and for each plain repeat the first row of its problem."""
    by_id: dict[str, int] = {}
    by_text: dict[bytes, int] = {}
    clashes: list[_Clash] = []
    first_of_repeat: dict[int, int] = {}
    for index, each in enumerate(found):
        row = each.row
        first_of_text = by_text.setdefault(text_key(row), index)
        is_given = row.id != id_of(row.problem)
        first_of_id = by_id.setdefault(row.id, index) if is_given else index
        if first_of_id != index:
            clashes.append(_Clash(first_of_id, index, f"the same id {row.id!r}"))
        elif first_of_text == index:
            continue
        elif _differ(found[first_of_text].row.gold, row.gold):
            golds = f"{str(found[first_of_text].row.gold)!r:.60} and {str(row.gold)!r:.60}"
            clashes.append(_Clash(first_of_text, index, f"the same problem with two gold answers, {golds},"))
        else:
            first_of_repeat[index] = first_of_text
    return clashes, first_of_repeat


def _differ(gold: str | GoldList, other: str | GoldList) -> bool:
    """Return whether two gold answers of one problem may be two answers; 0.50 and 1/2 are one."""
    if gold == other:
        return False
    if isinstance(gold, GoldList) or isinstance(other, GoldList):
        return True
    return certain_equality(normalise(read_gold(gold).text), normalise(read_gold(other).text)) is not True
