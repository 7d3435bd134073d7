"""Several runs on one page."""

from pathlib import Path

from leanrl.report.comparison import write_comparison
from tests.report.sample_run import write_sample_run
from tests.report.test_page import Page


def test_runs_are_laid_over_each_other(tmp_path: Path) -> None:
    first = write_sample_run(tmp_path / "plain", num_steps=8)
    second = write_sample_run(tmp_path / "clipped", num_steps=6, summary={"greedy_after": 0.5}, kl_beta=0.0)
    page = Page(write_comparison([first, second], tmp_path / "out"))
    words = " ".join(page.words.split())
    assert "2 runs side by side" in words
    assert "plain cpu-demo finished 8 30 % 90 % 20 4m41s" in words
    assert "clipped cpu-demo finished 6 30 % 50 % 20 4m41s" in words
    assert "Accuracy reward plain clipped" in words
    assert "KL to the reference policy plain clipped" not in words  # the second run has none
    assert all(link.startswith("#") for link in page.links)
    assert (tmp_path / "out" / "accuracy_reward.png").is_file()


def test_runs_whose_folders_have_one_name_are_numbered(tmp_path: Path) -> None:
    runs = [write_sample_run(tmp_path / parent / "demo", num_steps=2) for parent in ("a", "b")]
    words = Page(write_comparison(runs, tmp_path / "out")).words
    assert "demo (1)" in words
    assert "demo (2)" in words
