"""Evaluations during training on the page: curves with intervals, differences to step 0, and what is broken in them."""

import json

import pytest

from leanrl.eval.during.record import evaluation_record
from leanrl.report.page import write_report
from leanrl.report.run_data import read_run
from leanrl.report.scores.during import evaluation_curves
from leanrl.storage.run_folder import append_jsonl
from tests.report.sample_run import write_sample_run
from tests.report.test_page import words_of

BASE = {f"p{number}": (0, 1) for number in range(8)}


def record(step, num_right):
    """Return the evaluation of eight problems of which the first `num_right` are right; none is at step 0."""
    scores = {name: (int(number < num_right), 1) for number, name in enumerate(BASE)}
    extra = {"is_best": step == 10, "truncated_share": 0.25, "mean_tokens": 120.5, "seconds": 1.0}
    return {**evaluation_record(step, scores, base=None if step == 0 else BASE, seed=1), **extra}


@pytest.fixture
def run(tmp_path):
    run = write_sample_run(tmp_path / "demo", num_steps=2)
    for step, num_right in ((0, 0), (10, 6), (20, 5)):
        append_jsonl(run.evaluations, record(step, num_right))
    return run


def test_the_page_has_scores_and_paired_differences(run):
    """6 of 8 right, none before: +75 points; half of all choices of signs of 6 differences is 2 of 64, p = 0.03125."""
    words = words_of(write_report(run))
    assert "Evaluations during training (3)" in words
    assert "10, best so far 75 %" in words
    assert "+75.0" in words
    assert "0.03125" in words
    assert "The best so far is step 10." in words


def test_the_curves_have_their_intervals(run):
    score, difference = evaluation_curves(read_run(run).evaluations)
    assert score.series[0].values == [0.0, 0.75, 0.625]
    assert [line.name for line in score.series] == ["score", "95 % from", "95 % to"]
    assert difference.series[0].steps == [10, 20]
    assert all(
        low < value < high for value, low, high in zip(*(line.values for line in difference.series), strict=True)
    )


def test_a_run_without_evaluations_has_no_such_section(tmp_path):
    assert "Evaluations during training" not in words_of(write_report(write_sample_run(tmp_path / "demo", num_steps=1)))


def test_broken_evaluations_leave_a_dash_and_a_page(run):
    with run.evaluations.open("a") as file:
        file.write(json.dumps({"step": 30, "score": "<script>", "difference": 3, "low": None}) + "\n{half a line\n")
        file.write('{"step": 40, "sco')
    page = write_report(run)
    assert "<script>alert" not in page.read_text()
    words = words_of(page)
    assert "Evaluations during training (4)" in words
    assert "evaluations.jsonl: 1 unreadable lines were left out." in words
