"""Values of numpy, pandas and pyarrow in a row."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from leanrl.config.sections.data import DataConfig
from leanrl.data.load import load_problems
from leanrl.data.values import plain
from leanrl.types import GoldList


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.array([1, 2]), [1, 2]),
        (np.array("a"), "a"),
        (np.array([pd.NA, "b"], dtype=object), [None, "b"]),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (pd.NA, None),
        (pd.NaT, None),
        (pd.Series(["a", "b"]), ["a", "b"]),
        (pa.scalar("x"), "x"),
        ((1, np.int64(2)), [1, 2]),
        ({"a": 1}, {"a": 1}),
        (b"4", b"4"),
    ],
    ids=repr,
)
def test_values_become_plain(value: Any, expected: Any) -> None:
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


ROWS = [
    {"problem": "1?", "answer": np.array(["1", "one"], dtype=object), "id": np.int64(7)},
    {"problem": "2?", "answer": pd.NA, "id": pd.NA},
    {"problem": "3?", "answer": np.float64("nan"), "id": "a"},
    {"problem": pd.NA, "answer": "4", "id": "b"},
    {"problem": np.str_("5?"), "answer": np.int64(5), "id": pd.NA},
]


@pytest.mark.parametrize("make", [list, iter, pd.DataFrame], ids=["list", "iterator", "DataFrame"])
def test_rows_of_every_kind_are_loaded(make: Any) -> None:
    problems = load_problems(DataConfig(generator="python"), seed=0, rows=make(ROWS))
    assert [(row.problem, row.gold) for row in problems.train] == [("1?", GoldList(("1", "one"))), ("5?", "5")]
    assert problems.train[0].id == "7"
    assert [row.where for row in problems.dropped] == ["row 2", "row 3", "row 4"]


def test_a_generator_of_rows_is_read() -> None:
    problems = load_problems(DataConfig(), seed=0, rows=({"problem": f"{n}?", "answer": n} for n in range(300)))
    assert len(problems.train) == 300
