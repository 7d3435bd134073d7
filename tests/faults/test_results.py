"""The results file of faults, and the work side by side that fills it: what a stopped run has found is kept."""

import json
import os
import time

import pytest

from tests.faults.others import killed_while_judging
from tests.faults.results import opened
from tests.side_by_side import rows_side_by_side

ABOUT = {"commit": "abc", "seed": 0, "is_cold": False}
ROW = {"differs": []}


def test_a_stopped_run_goes_on_with_what_its_file_has(tmp_path):
    file = tmp_path / "faults.json"
    results = opened(file, ABOUT, is_continued=True, order=["lora", "full"])
    results.add("kills", "full", ROW)
    results.add("kills", "lora", ROW | {"differs": ["the weights"]})
    results.add("terms", "lora", ROW)
    again = opened(file, ABOUT, is_continued=True, order=["lora", "full"])
    assert list(again.content["kills"]) == ["lora", "full"]
    assert again.of_kills("full") == again.content["terms"] == [ROW]
    assert again.of_kills("qlora") == []
    assert again.num_different == 1
    again.add("kills", "full", ROW)
    assert json.loads(file.read_text())["kills"]["full"] == [ROW, ROW]


@pytest.mark.parametrize(
    ("about", "is_continued", "said"),
    [
        (ABOUT, False, "exists.\nhint: --continue adds"),
        (ABOUT | {"commit": "def"}, True, "is of another run: commit abc, now def"),
        (ABOUT | {"seed": 1}, True, "seed 0, now 1"),
    ],
    ids=["not asked to", "another commit", "another seed"],
)
def test_a_file_of_something_else_is_never_written_over(tmp_path, about, is_continued, said):
    file = tmp_path / "faults.json"
    opened(file, ABOUT, is_continued=False, order=["lora"]).add("kills", "lora", ROW)
    before = file.read_bytes()
    with pytest.raises(SystemExit) as caught:
        opened(file, about, is_continued=is_continued, order=["lora"])
    assert said in str(caught.value)
    assert file.read_bytes() == before


def test_works_run_side_by_side_and_one_that_fails_stops_no_other(tmp_path):
    """The first two wait for each other's file, which no order of one behind the other could end."""

    def meeting(own, other):
        def rows():
            (tmp_path / own).touch()
            deadline = time.monotonic() + 60
            while not (tmp_path / other).exists():
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield from ({"of": own, "number": number, "pid": os.getpid()} for number in range(3))

        return rows

    def failing():
        yield {"of": "failing", "number": 0, "pid": os.getpid()}
        os._exit(3)

    found = list(rows_side_by_side([meeting("a", "b"), meeting("b", "a"), failing], at_once=2))
    by_work = [[row for number, row in found if number == work] for work in range(3)]
    assert [row["number"] for row in by_work[0]] == [row["number"] for row in by_work[1]] == [0, 1, 2]
    assert by_work[2][0]["of"] == "failing"
    assert by_work[2][1] is None
    assert len({row["pid"] for rows in by_work for row in rows if row} | {os.getpid()}) == 4


GOOD = {"pid": 7, "is_grader": True, "was_running": True, "had_answered": False, "exit_code": -9}


@pytest.mark.parametrize(
    ("killed", "said"),
    [
        ([GOOD], None),
        ([], "0 graders were killed, and 1 should be"),
        ([GOOD | {"is_grader": False}], "process 7 is no grader"),
        ([GOOD | {"was_running": False}], "was not ended by the kill"),
        ([GOOD | {"exit_code": 0}], "was not ended by the kill: code 0"),
        ([GOOD | {"had_answered": True}], "had answered before it was killed"),
    ],
)
def test_a_grader_counts_as_killed_only_while_it_judges(killed, said):
    found = killed_while_judging(killed, wanted=1)
    assert (found == []) if said is None else (len(found) == 1 and said in found[0])
