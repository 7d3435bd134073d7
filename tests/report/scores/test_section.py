"""The scores of checkpoints on the page: over steps, and in a table beside published rows."""

from pathlib import Path

import pytest

from leanrl.evaluation.pages.published import published_rows
from leanrl.report.page import write_report
from leanrl.report.scores.evaluations import read_evaluations, score_curves
from leanrl.storage.run_folder import RunFolder, write_json
from tests.report.sample_run import write_sample_run
from tests.report.test_page import words_of


def entry(accuracy: float, low: float, high: float) -> dict[str, object]:
    return {"num_problems": 30, "num_samples": 16, "accuracy": accuracy, "interval_95": [low, high]}


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run whose checkpoints 50 and 100 were evaluated, and one evaluation that was never finished."""
    run = write_sample_run(tmp_path / "demo", num_steps=1)
    for step, score in ((50, (0.3, 0.15, 0.45)), (100, (0.467, 0.3, 0.65))):
        folder = run.path / "evals" / f"step-{step}-robust"
        folder.mkdir(parents=True)
        write_json(folder / "scores.json", {"benchmarks": {"aime24": entry(*score)}})
    (run.path / "evals" / "step-150-robust").mkdir()
    return run


def test_the_table_has_this_run_first_and_published_rows_with_their_cost(run: RunFolder) -> None:
    words = words_of(write_report(run, published=published_rows()))
    assert "demo, step 50 robust 30.0 [15.0, 45.0]" in words
    assert "demo, step 100 robust 46.7 [30.0, 65.0]" in words
    assert "open-rs3 paper 46.7 4x A40 24 42" in words
    assert words.index("demo, step 100") < words.index("open-rs3 paper")


def test_the_cost_of_this_run_counts_every_card(run: RunFolder) -> None:
    """Half an hour on 4 cards at 0.5 dollars an hour each: 1 dollar."""
    write_json(run.env, {"gpus": ["NVIDIA A40"] * 4})
    write_json(run.summary, {"seconds": 1800.0})
    write_json(run.config, {"name": "mine", "hardware": {"usd_per_hour": 0.5}})
    assert "step 50 robust 30.0 [15.0, 45.0] 4x NVIDIA A40 0.5 1 " in words_of(write_report(run))


def test_scores_over_steps_have_their_interval(run: RunFolder) -> None:
    (curve,) = score_curves(read_evaluations(run.path))
    assert [(line.name, line.steps, line.values) for line in curve.series] == [
        ("score", [50, 100], [0.3, 0.467]),
        ("95 % from", [50, 100], [0.15, 0.3]),
        ("95 % to", [50, 100], [0.45, 0.65]),
    ]


@pytest.mark.parametrize(
    "content", [{}, {"benchmarks": 3}, {"benchmarks": {"aime24": None}}, {"benchmarks": {"aime24": {"accuracy": "x"}}}]
)
def test_a_broken_file_is_passed_over(run: RunFolder, content: dict[str, object]) -> None:
    write_json(run.path / "evals" / "step-150-robust" / "scores.json", content)
    assert [one.step for one in read_evaluations(run.path)] == [50, 100]


def test_without_an_evaluation_nothing_is_shown(tmp_path: Path) -> None:
    run = write_sample_run(tmp_path / "demo", num_steps=1)
    assert "Scores on benchmarks" not in words_of(write_report(run, published=published_rows()))
