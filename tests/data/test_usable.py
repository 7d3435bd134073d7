"""Rows that cannot be used: dropped with their reason, or refused when nothing is left."""

import pytest

from leanrl.data.usable import drop_unparseable_golds
from leanrl.errors import DataError
from leanrl.types import DroppedRow, Row


def _rows(*golds):
    return [Row(id=f"r{i}", problem="?", gold=gold, prompt="?") for i, gold in enumerate(golds)]


def test_a_gold_that_cannot_be_parsed_is_dropped_and_listed():
    kept, dropped = drop_unparseable_golds(
        _rows("1", "see above", "2"), can_parse=lambda golds: [g.isdigit() for g in golds]
    )
    assert [row.gold for row in kept] == ["1", "2"]
    assert dropped == [DroppedRow("problem r1", "the gold answer cannot be parsed: 'see above'")]


def test_no_gold_at_all_names_the_key():
    with pytest.raises(DataError, match="None of the 2 gold answers") as caught:
        drop_unparseable_golds(_rows("a", "b"), can_parse=lambda golds: [False] * len(golds))
    assert "data.answer_column" in caught.value.hint
