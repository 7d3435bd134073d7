"""Rows that cannot be used: dropped with their reason, or refused when nothing is left."""

from functools import partial

import pytest

from leanrl.data.usable import drop_long_prompts, drop_unparseable_golds, with_usable_rows
from leanrl.errors import DataError
from leanrl.types import DroppedRow, GoldList, ProblemSet, Row


def _rows(*golds):
    return [Row(id=f"r{i}", problem="?", gold=gold, asked_by="?") for i, gold in enumerate(golds)]


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


def test_long_prompts_are_dropped_with_their_length() -> None:
    """Words stand for tokens: 3 words fit into 3, 4 do not."""
    rows = [Row(id=str(n), problem="", gold="", asked_by="word " * n) for n in (3, 4)]
    kept, dropped = drop_long_prompts(rows, count_tokens=lambda row: len(str(row.prompt).split()), max_prompt_tokens=3)
    assert kept == rows[:1]
    assert [(row.where, row.reason) for row in dropped] == [
        ("problem 4", "the prompt has 4 tokens; rollout.max_prompt_tokens is 3")
    ]


def test_prompts_that_are_all_too_long_name_the_lengths() -> None:
    rows = [Row(id=str(n), problem="", gold="", asked_by="word " * n) for n in (5, 9)]
    with pytest.raises(DataError, match=r"All 2 prompts are longer .* is 3; the shortest has 5 tokens") as caught:
        drop_long_prompts(rows, count_tokens=lambda row: len(str(row.prompt).split()), max_prompt_tokens=3)
    assert caught.value.hint == "-s rollout.max_prompt_tokens=9 keeps them all"


def test_held_out_rows_are_checked_too() -> None:
    """Golds of one letter cannot be read here; a held-out problem with one would count as wrong for ever."""

    def reads_more_than_a_letter(golds: list[str | GoldList]) -> list[bool]:
        return [len(str(gold)) > 1 for gold in golds]

    problems = ProblemSet(
        train=[Row("1", "?", "10", []), Row("2", "?", "x", [])],
        heldout=[Row("3", "?", "y", []), Row("4", "?", "12", [])],
        dropped=[DroppedRow("here", "before")],
        lines=["said"],
    )
    checked = with_usable_rows(problems, [partial(drop_unparseable_golds, can_parse=reads_more_than_a_letter)])
    assert [row.id for row in checked.train] == ["1"]
    assert [row.id for row in checked.heldout] == ["4"]
    assert [row.where for row in checked.dropped] == ["here", "problem 2", "problem 3"]
    assert checked.lines == ["said"]


def test_held_out_rows_of_which_none_is_left_are_an_error() -> None:
    problems = ProblemSet(train=[Row("1", "?", "10", [])], heldout=[Row("3", "?", "y", [])])
    with pytest.raises(DataError, match="None of the 1 gold answers"):
        with_usable_rows(
            problems, [partial(drop_unparseable_golds, can_parse=lambda golds: [g == "10" for g in golds])]
        )
