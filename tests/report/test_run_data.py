"""A run folder read: finished, going on, killed, broken."""

from pathlib import Path

import pytest

from leanrl.report.run_data import read_run
from leanrl.storage.run_folder import RunFolder
from tests.report.sample_run import HOSTILE, write_sample_run


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return write_sample_run(tmp_path / "demo", num_steps=12)


def test_a_finished_run(run: RunFolder) -> None:
    data = read_run(run)
    assert (data.name, data.status, data.folder_name) == ("cpu-demo", "finished", "demo")
    assert [record["step"] for record in data.steps] == list(range(1, 13))
    assert sorted(data.completions) == [1, 10]
    assert data.completions[10][2]["completion"] == f"3 + 4 = {HOSTILE}"  # with U+2028, which ends no line
    assert len(data.greedy_after) == 20
    assert data.setting("train.max_steps") == 12
    assert data.setting("train.no_such_key") is None
    assert data.notes == []


def test_a_killed_run_loses_only_its_cut_line(run: RunFolder) -> None:
    run.summary.unlink()
    content = run.metrics.read_bytes()
    run.metrics.write_bytes(content[:-40])
    data = read_run(run)
    assert [record["step"] for record in data.steps] == list(range(1, 12))
    assert data.status == "running, or killed"
    assert data.name == "cpu-demo"
    assert data.notes == []


def test_a_cut_within_a_character_is_a_cut_line(run: RunFolder) -> None:
    path = run.completions / "step-000010.jsonl"
    path.write_bytes(path.read_bytes() + '{"step": 10, "completion": "é'.encode()[:-1])
    assert len(read_run(run).completions[10]) == 3


def test_a_last_line_that_only_lacks_its_end_is_kept(run: RunFolder) -> None:
    run.metrics.write_bytes(run.metrics.read_bytes().rstrip(b"\n"))
    assert len(read_run(run).steps) == 12


def test_broken_lines_in_the_middle_are_left_out_and_noted(run: RunFolder) -> None:
    lines = run.metrics.read_bytes().split(b"\n")
    run.metrics.write_bytes(b"\n".join([b"{broken", b"[1, 2]", *lines]))
    data = read_run(run)
    assert len(data.steps) == 12
    assert data.notes == ["metrics.jsonl: 2 unreadable lines were left out."]


def test_a_step_that_was_taken_twice_counts_once(run: RunFolder) -> None:
    with run.metrics.open("a") as file:
        file.write('{"step": 5, "reward": 9.0}\n')
    data = read_run(run)
    assert len(data.steps) == 12
    assert data.steps[4]["reward"] == 9.0


def test_a_broken_summary_is_noted(run: RunFolder) -> None:
    run.summary.write_text('{"status": "fini')
    data = read_run(run)
    assert data.summary == {}
    assert len(data.notes) == 1
    assert data.notes[0].startswith("summary.json cannot be read")


def test_an_empty_folder_is_an_empty_run(tmp_path: Path) -> None:
    data = read_run(RunFolder(tmp_path))
    assert data.name == tmp_path.name
    assert (data.steps, data.completions, data.dropped, data.notes) == ([], {}, [], [])
