"""The page of a run with what evaluations say of it: however it is asked for, it has the same."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from leanrl.api.run import Run
from leanrl.cli.main import app
from leanrl.evaluation.pages.heldout import heldout_change
from leanrl.evaluation.pages.write import live_page, write_run_report
from leanrl.storage.run_folder import RunFolder, write_json
from tests.report.sample_run import write_sample_run

SCORE = {"num_problems": 30, "num_samples": 16, "accuracy": 0.3, "interval_95": [0.15, 0.45]}


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run that learnt 12 of 20 held-out problems and lost none, with one evaluation."""
    run = write_sample_run(tmp_path / "demo", num_steps=2)
    folder = run.path / "evals" / "step-2-robust"
    folder.mkdir(parents=True)
    write_json(folder / "scores.json", {"benchmarks": {"aime24": SCORE}})
    return run


def test_every_way_to_the_page_has_published_rows_and_the_interval(run: RunFolder) -> None:
    by_command = CliRunner().invoke(app, ["report", str(run.path)], catch_exceptions=False).stdout.strip()
    pages = [Path(by_command).read_text(), write_run_report(run).read_text(), Run(run.path).report.read_text()]
    for page in (*pages, live_page(run, 10)):
        assert "open-rs3" in page
        assert "95 % interval +36.5 to +83.5" in page


def test_the_change_is_paired(run: RunFolder) -> None:
    """12 of 20 differences are 1: mean 0.6, sd sqrt(0.24 x 20 / 19), 2.093 standard errors; p = 2 / 2^12."""
    change = heldout_change(run)
    assert change is not None
    assert change.value == pytest.approx(0.6)
    assert (change.low, change.high) == pytest.approx((0.3648, 0.8352), abs=1e-4)
    assert change.p_value == pytest.approx(2 / 2**12)
    assert change.is_shown


@pytest.mark.parametrize(
    "content", [None, b"", b"{}\n", b"not json\n", b'{"problem": "other", "gold": "1", "verdict": "wrong"}\n']
)
def test_without_both_scores_there_is_no_change(run: RunFolder, content: bytes | None) -> None:
    after = run.path / "greedy_after.jsonl"
    after.unlink() if content is None else after.write_bytes(content)
    assert heldout_change(run) is None
    assert "+60" in write_run_report(run).read_text()
