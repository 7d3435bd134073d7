"""The choice of a checkpoint on the page: rounds, luck, and the one report."""

from html import unescape
from pathlib import Path
from typing import Any

import pytest

from leanrl.report.run_data import RunData
from leanrl.report.scores.choice import choices_section
from leanrl.storage.run_folder import write_json

LUCK = {"mean": 0.61, "low": 0.5, "high": 0.7, "equal_score": 0.55, "num_checkpoints": 3}
LEADER = {"step": 100, "accuracy": 0.6, "behind_leader": None, "behind_leader_interval_95": None, "is_kept": True}
BEHIND = {
    "step": 50,
    "accuracy": 0.5,
    "behind_leader": -0.1,
    "behind_leader_interval_95": [-0.3, 0.1],
    "is_kept": False,
}
CHOICE = {
    "num_tried": 3, "step": 100, "accuracy": 0.6, "interval_95": [0.4, 0.8], "best_of_first_round": 0.62,
    "best_of_equal_by_luck": LUCK,
}  # fmt: skip
REPORTED = {
    "folder": "x",
    "chosen": {"best_of_equal_if_chosen_here": {"aime24": {"mean": 0.391}, "svamp": None}},
    "benchmarks": {
        "aime24": {"accuracy": 0.3, "interval_95": [0.15, 0.45], "num_problems": 30, "num_samples": 16},
        "svamp": {"accuracy": 0.8, "interval_95": [0.75, 0.85], "num_problems": 300, "num_samples": 1},
    },
}
SELECTION = {
    "question": {
        "select_on": "heldout",
        "num_problems": 40,
        "protocol": "robust",
        "checkpoints": {"50": "", "100": ""},
    },
    "rounds": [{"num_samples": 2, "standings": [LEADER, BEHIND]}, {"num_samples": 4, "standings": [LEADER]}],
    "choice": CHOICE,
    "reported": REPORTED,
}


def shown(folder: Path, **changes: Any) -> str:
    (folder / "evals" / "select-heldout-robust").mkdir(parents=True, exist_ok=True)
    write_json(folder / "evals" / "select-heldout-robust" / "selection.json", SELECTION | changes)
    return unescape(choices_section(RunData("run", path=folder)))


def test_what_was_picked_among_how_many_and_by_how_much_luck(tmp_path: Path) -> None:
    page = shown(tmp_path)
    assert "Choice of a checkpoint on heldout" in page
    assert "Step 100 was picked of 3, on 40 problems, protocol robust: 60.0 % [40.0, 80.0]." in page
    assert (
        "the best of 3 equal ones shows 61.0 % on average [50.0, 70.0] in the first round, where each has 55.0 %"
        in page
    )
    assert (
        "Reported once, on other problems: aime24 30.0 % [15.0, 45.0] (chosen here, the best of 3 equal ones would "
        "show 39.1 %); svamp 80.0 % [75.0, 85.0]." in page
    )


def test_every_round_has_its_standings(tmp_path: Path) -> None:
    cells = shown(tmp_path).replace("<td>", "|").replace("</td>", "").replace("</tr>", "")
    assert "|1|2|100|60.0 %|–|–|stays" in cells
    assert "|1|2|50|50.0 %|-10.0|[-30.0, +10.0]|goes" in cells
    assert "|2|4|100|60.0 %|–|–|stays" in cells


def test_a_choice_that_was_stopped_says_so(tmp_path: Path) -> None:
    page = shown(tmp_path, choice=None, reported=None)
    assert (
        "2 checkpoints on 40 problems, protocol robust. The choice is not finished: the same command goes on." in page
    )
    assert "It was not evaluated on other problems yet." in shown(tmp_path, reported=None)


@pytest.mark.parametrize(
    "change", [{"question": None}, {"rounds": [{}]}, {"choice": {}}, {"reported": {"benchmarks": 3}}]
)
def test_a_broken_file_is_passed_over(tmp_path: Path, change: dict[str, Any]) -> None:
    assert shown(tmp_path, **change) == ""


def test_what_a_file_holds_is_escaped(tmp_path: Path) -> None:
    question = {**SELECTION["question"], "select_on": "<script>"}
    assert "<script>" not in choices_section(RunData("run", path=_with(tmp_path, question)))


def _with(folder: Path, question: dict[str, Any]) -> Path:
    shown(folder, question=question)
    return folder


def test_a_run_without_a_choice_has_no_section(tmp_path: Path) -> None:
    assert choices_section(RunData("run", path=tmp_path)) == ""
    assert choices_section(RunData("run")) == ""
