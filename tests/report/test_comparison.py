"""Several runs on one page."""

import os
from pathlib import Path

from leanrl.report.comparison import write_comparison
from leanrl.storage.run_folder import write_json
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
    assert "What differs" in words
    assert "key plain clipped" in words
    assert "train.max_steps 8 6" in words
    assert "algorithm.kl_beta 0.04 0.0" in words
    assert "problems (hash)" not in words
    assert "Accuracy reward plain clipped" in words
    assert "KL to the reference policy plain clipped" not in words  # the second run has none
    assert all(link.startswith("#") for link in page.links)
    assert (tmp_path / "out" / "accuracy_reward.png").is_file()


def test_runs_whose_folders_have_one_name_are_numbered(tmp_path: Path) -> None:
    runs = [write_sample_run(tmp_path / parent / "demo", num_steps=2) for parent in ("a", "b")]
    words = Page(write_comparison(runs, tmp_path / "out")).words
    assert "demo (1)" in words
    assert "demo (2)" in words


def test_runs_of_other_problems_and_models_say_so(tmp_path: Path) -> None:
    runs = [write_sample_run(tmp_path / name, num_steps=2) for name in ("a", "b", "c")]
    assert "What differs" not in Page(write_comparison(runs, tmp_path / "same")).words
    for run, problems, weights in zip(runs, ("11" * 32, "22" * 32, None), ("33" * 32,) * 3, strict=True):
        write_json(run.fingerprints, {"data": {"sha256": problems}, "model": {"weights": weights}})
    words = " ".join(Page(write_comparison(runs, tmp_path / "other")).words.split())
    assert "problems (hash) 11111111 22222222 –" in words
    assert "base model (hash)" not in words


def test_a_run_whose_config_is_of_another_version_is_still_drawn(tmp_path: Path) -> None:
    runs = [write_sample_run(tmp_path / name, num_steps=2) for name in ("a", "b")]
    write_json(runs[1].config, {"name": "cpu-demo", "a_key_of_tomorrow": 1})
    assert "2 runs side by side" in Page(write_comparison(runs, tmp_path / "out")).words


def test_a_run_whose_folders_name_is_no_utf8_is_drawn(tmp_path: Path) -> None:
    runs = [write_sample_run(tmp_path / name, num_steps=2) for name in ("a", os.fsdecode(b"r\xe4n"))]
    assert "r?n" in Page(write_comparison(runs, tmp_path / "out")).words
