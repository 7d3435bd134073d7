"""Held-out rows: as many as asked, never a text that is trained on."""

import pytest

from leanrl.data.heldout import hold_out
from leanrl.errors import DataError
from leanrl.types import Row


def rows(*texts: str) -> list[Row]:
    return [Row(id=str(number), problem=text, gold="0", asked_by=text) for number, text in enumerate(texts)]


@pytest.mark.parametrize("seed", range(10))
def test_a_text_is_never_on_both_sides(seed: int) -> None:
    """Three texts, the first of them three times in two spellings: whichever is drawn, its copies go with it."""
    given = rows("1 + 1", "1 +  1\n", "1 + 2", "1 + 1", "1 + 3")
    train, heldout, dropped = hold_out(given, num_heldout=1, seed=seed)
    drawn = " ".join(heldout[0].problem.split())
    assert len(heldout) == 1
    assert drawn not in {" ".join(row.problem.split()) for row in train}
    assert len(dropped) == (2 if drawn == "1 + 1" else 0)
    assert len(train) + len(heldout) + len(dropped) == 5


def test_train_keeps_its_order_and_its_copies() -> None:
    train, heldout, dropped = hold_out(rows("a", "b", "a"), num_heldout=0, seed=0)
    assert [row.id for row in train] == ["0", "1", "2"]
    assert heldout == []
    assert dropped == []


def test_copies_of_a_heldout_text_say_why_they_left() -> None:
    given = rows("a", "a", "b")
    seed = next(seed for seed in range(20) if hold_out(given, num_heldout=1, seed=seed)[1][0].problem == "a")
    _, _, dropped = hold_out(given, num_heldout=1, seed=seed)
    assert [(row.where, row.reason) for row in dropped] == [
        ("problem 1", "the same text as a problem that is held out")
    ]


def test_the_seed_decides() -> None:
    given = rows(*(str(number) for number in range(100)))
    first = hold_out(given, num_heldout=10, seed=1)
    assert first == hold_out(given, num_heldout=10, seed=1)
    assert first[1] != hold_out(given, num_heldout=10, seed=2)[1]


def test_something_must_be_left_to_train_on() -> None:
    with pytest.raises(DataError, match=r"data\.num_heldout is 2, but there are 2 different problems"):
        hold_out(rows("a", "a", "b"), num_heldout=2, seed=0)
