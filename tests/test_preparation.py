"""What a run says of its problems before the model is loaded."""

import pytest

from leanrl.config.schema import RunConfig
from leanrl.preparation import _say_problems
from leanrl.types import DroppedRow, ProblemSet, Row


class Heard:
    def __init__(self):
        self.warned = []

    def say(self, text):
        pass

    def warn(self, text):
        self.warned.append(text)


def _warnings(num_train, *, num_dropped=0, reason="no problem", shuffle=True, notes=()):
    rows = [Row(str(n), f"{n}?", str(n), []) for n in range(num_train)]
    dropped = [DroppedRow(f"mine.jsonl:{n}", reason) for n in range(num_dropped)]
    config = RunConfig.model_validate({"data": {"shuffle": shuffle}, "train": {"num_prompts": 4}})
    heard = Heard()
    _say_problems(ProblemSet(rows, [], dropped, list(notes)), config, heard)
    return heard.warned


@pytest.mark.parametrize(("num_train", "left"), [(6, 2), (9, 1)])
def test_rows_behind_the_last_whole_step_are_said_where_the_order_is_fixed(num_train, left):
    """The same whole steps come again in every epoch: 6 problems, 4 a step, and two are never asked."""
    (warning,) = _warnings(num_train, shuffle=False)
    assert warning.startswith(f"data.shuffle is false, so the last {left} of {num_train} problems are never asked")
    assert _warnings(num_train) == []
    assert _warnings(8, shuffle=False) == []


def test_few_dropped_rows_are_counted_with_the_first():
    (warning,) = _warnings(9, num_dropped=1)
    assert warning == "1 rows dropped, the first at mine.jsonl:0: no problem"


def test_many_dropped_rows_are_counted_loudly_with_examples_and_the_keys():
    (warning,) = _warnings(8, num_dropped=4, reason="the gold answer cannot be parsed: 'a lot'")
    assert warning.startswith("4 rows dropped, 33% of all; the first are")
    assert warning.count("cannot be parsed") == 3
    assert "data.answer_column and data.gold_from" in warning


def test_notes_on_how_a_source_was_read_are_warnings():
    assert _warnings(4, notes=["Gold answers are read behind ####."]) == ["Gold answers are read behind ####."]
