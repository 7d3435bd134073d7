"""`leanrl eval RUN --checkpoints all --select-on heldout`: rounds, the report, going on after a kill, refusals."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.errors import ConfigError, DataError, LeanRLError
from leanrl.evaluation.choosing.candidates import find_candidates
from leanrl.report.run_data import read_run
from leanrl.report.scores.choice import choices_section
from leanrl.storage.run_folder import RunFolder
from tests.cli.run import leanrl, tiny_overrides

ROWS = [{"id": f"p{number}", "problem": f"{number} + {number}", "answer": str(2 * number)} for number in range(11, 15)]
NUM_HELDOUT = 5  # three pairs of digits, two of them both ways round


@pytest.fixture(scope="module")
def trained(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chosen") / "run"
    settings = ("train.max_steps=3", "checkpoints.keep_last=9", "eval.greedy=false", "data.num_heldout=3")
    done = leanrl("train", "-p", "cpu-demo", *tiny_overrides(tiny_model, *settings), "--run-dir", folder)
    assert done.code == 0, done.err
    return folder


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> RunFolder:
    """The run before any choice."""
    return RunFolder(Path(shutil.copytree(trained, tmp_path / "run", symlinks=True)))


@pytest.fixture(scope="module")
def first_choice(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, dict[str, Any]]:
    """The run after a choice among its three checkpoints, and what the command printed."""
    folder = tmp_path_factory.mktemp("chosen-once")
    run = RunFolder(Path(shutil.copytree(trained, folder / "run", symlinks=True)))
    return run, chosen(run, write_rows(folder / "sums.jsonl", ROWS))


@pytest.fixture
def chosen_run(first_choice: tuple[RunFolder, dict[str, Any]], tmp_path: Path) -> RunFolder:
    """A copy of the run after its choice: a folder may be moved."""
    return RunFolder(Path(shutil.copytree(first_choice[0].path, tmp_path / "run", symlinks=True)))


@pytest.fixture
def sums(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "sums.jsonl", ROWS)


def write_rows(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def flags(run: RunFolder, sums: Path, *more: str) -> list[str]:
    fixed = ("--engine", "hf", "--max-tokens", "6", "--samples", "3")
    choice = ("--checkpoints", "all", "--select-on", "heldout")
    return ["eval", str(run.path), "--benchmarks", str(sums), *fixed, *choice, *more]


def chosen(run: RunFolder, sums: Path, *more: str) -> dict[str, Any]:
    printed = CliRunner().invoke(app, [*flags(run, sums, *more), "--json"], catch_exceptions=False).stdout
    return json.loads(printed)


def error_of(*arguments: str) -> LeanRLError:
    error = CliRunner().invoke(app, list(arguments)).exception
    assert isinstance(error, LeanRLError)
    return error


def drawn(run: RunFolder) -> dict[str, bytes]:
    return {str(path.relative_to(run.path)): path.read_bytes() for path in run.path.glob("evals/**/completions.jsonl")}


def test_halves_the_checkpoints_and_reports_the_pick_once(first_choice: tuple[RunFolder, dict[str, Any]]) -> None:
    """Three checkpoints get 2 completions a problem, the better two 4; of equal ones the least trained is picked."""
    run, found = first_choice
    rounds = found["selection"]["rounds"]
    assert [(each["num_samples"], len(each["standings"])) for each in rounds] == [(2, 3), (4, 2)]
    choice = found["selection"]["choice"]
    assert choice["num_tried"] == 3
    assert choice["step"] == rounds[-1]["standings"][0]["step"]
    assert choice["best_of_equal_by_luck"]["num_checkpoints"] == 3
    assert found["folder"] == str(run.path / "evals" / f"step-{choice['step']}-robust-k3-6tokens")
    # What is reported is the pick alone, and its scores say among how many it was found.
    assert [path.name for path in run.path.glob("evals/step-*")] == [Path(found["folder"]).name]
    scores = json.loads((Path(found["folder"]) / "scores.json").read_text())
    assert set(scores["benchmarks"]) == {"sums"}
    assert scores["chosen"]["num_tried"] == 3
    assert scores["chosen"]["selected_on"] == "heldout"
    assert scores["chosen"]["best_of_equal_if_chosen_here"]["sums"]["num_checkpoints"] == 3
    asked = sorted(path.read_bytes().count(b"\n") for path in run.path.glob("evals/select-*/step-*/completions.jsonl"))
    assert asked == [2 * NUM_HELDOUT, 4 * NUM_HELDOUT, 4 * NUM_HELDOUT]


def test_the_page_of_the_run_shows_the_choice(first_choice: tuple[RunFolder, dict[str, Any]]) -> None:
    run, found = first_choice
    page = str(choices_section(read_run(run)))
    assert "Choice of a checkpoint on heldout" in page
    assert f"Step {found['selection']['choice']['step']} was picked of 3, on {NUM_HELDOUT} problems" in page
    assert "Reported once, on other problems: sums " in page


def test_a_second_call_draws_nothing(
    first_choice: tuple[RunFolder, dict[str, Any]], chosen_run: RunFolder, sums: Path
) -> None:
    before = drawn(chosen_run)
    again = chosen(chosen_run, sums)["selection"]
    assert {key: again[key] for key in ("rounds", "choice")} == {
        key: first_choice[1]["selection"][key] for key in ("rounds", "choice")
    }
    assert drawn(chosen_run) == before


def test_the_best_on_the_selection_set_is_picked(chosen_run: RunFolder, sums: Path) -> None:
    """Where the completions of step 3 are right, it is picked, with its share and the luck of the pooled rates."""
    file = next(chosen_run.path.glob("evals/select-*/step-3/completions.jsonl"))
    records = [json.loads(line) | {"verdict": "correct"} for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    choice = chosen(chosen_run, sums)["selection"]["choice"]
    assert (choice["step"], choice["accuracy"]) == (3, 1.0)
    assert choice["best_of_equal_by_luck"]["equal_score"] == pytest.approx(1 / 3)
    assert choice["best_of_first_round"] == 1.0


def test_goes_on_where_it_was_cut_off(
    first_choice: tuple[RunFolder, dict[str, Any]], chosen_run: RunFolder, sums: Path
) -> None:
    """Cut within a line of the second round: what is missing is drawn alike, as after a kill there."""
    step = first_choice[1]["selection"]["rounds"][-1]["standings"][-1]["step"]
    (file,) = chosen_run.path.glob(f"evals/select-*/step-{step}/completions.jsonl")
    whole = file.read_bytes()
    file.write_bytes(b"".join(whole.splitlines(keepends=True)[: 3 * NUM_HELDOUT])[:-5])
    assert chosen(chosen_run, sums)["selection"]["choice"] == first_choice[1]["selection"]["choice"]
    texts = [
        {(one["id"], one["sample"]): one["text"] for one in map(json.loads, lines.splitlines())}
        for lines in (whole, file.read_bytes())
    ]
    assert texts[0] == texts[1]


@pytest.mark.long
def test_goes_on_after_a_kill(run: RunFolder, sums: Path) -> None:
    command = flags(run, sums, "--select-samples", "20")
    started = subprocess.Popen([sys.executable, "-m", "leanrl", *command], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 200
    while not any(drawn(run).values()) and time.monotonic() < deadline and started.poll() is None:
        time.sleep(0.01)
    os.kill(started.pid, signal.SIGKILL)
    started.wait()
    before = drawn(run)
    found = chosen(run, sums, "--select-samples", "20")
    after = drawn(run)
    for name, content in after.items():
        # What had been drawn stays where it was, and nothing is there twice.
        assert content.startswith(before.get(name, b"").rpartition(b"\n")[0])
        keys = [(each["id"], each["sample"]) for each in map(json.loads, content.splitlines())]
        assert len(keys) == len(set(keys))
    assert [len(each["standings"]) for each in found["selection"]["rounds"]] == [3, 2]


def test_likeliest_tokens_take_one_round(run: RunFolder, sums: Path) -> None:
    arguments = [each for each in flags(run, sums, "--protocol", "greedy", "--json") if each not in ("--samples", "3")]
    found = json.loads(CliRunner().invoke(app, arguments, catch_exceptions=False).stdout)
    assert [each["num_samples"] for each in found["selection"]["rounds"]] == [1]
    # With one completion a problem, nothing is known of how its rate varies.
    assert found["chosen"]["best_of_equal_if_chosen_here"] == {"sums": None}


def test_some_checkpoints_are_another_choice(chosen_run: RunFolder, sums: Path) -> None:
    error = error_of(*flags(chosen_run, sums, "--checkpoints", "1,3"))
    assert "holds another choice" in error.message
    assert "checkpoints is" in error.message
    other = ("--checkpoints", "1,3", "--select-samples", "1", "--out", str(chosen_run.path / "other"))
    found = chosen(chosen_run, sums, *other)
    assert found["selection"]["choice"]["num_tried"] == 2
    assert Path(found["folder"]).parent == chosen_run.path / "other"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--select-on", "SUMS"), "is reported"),
        (("--select-on", "COPY"), "4 of its problems are in sums"),
        (("--select-samples", "0"), "--select-samples is 0"),
        (("--checkpoints", "7,x"), "names 7, x"),
        (("--checkpoints", ","), "names none"),
        (("--endpoint", "http://127.0.0.1:9/v1"), "endpoint"),
        (("--select-on", "nowhere.jsonl"), "nowhere.jsonl"),
    ],
)
def test_what_is_no_choice_is_refused(run: RunFolder, sums: Path, more: tuple[str, ...], said: str) -> None:
    copy = write_rows(sums.with_name("copy.jsonl"), [{**row, "id": row["id"] + "b"} for row in ROWS])
    places = {"SUMS": str(sums), "COPY": str(copy)}
    error = error_of(*flags(run, sums, *(places.get(part, part) for part in more)))
    assert said in error.message
    assert not (run.path / "evals").exists()


@pytest.mark.parametrize("left_out", ["--select-on", "--checkpoints"])
def test_both_options_are_needed(run: RunFolder, sums: Path, left_out: str) -> None:
    arguments = flags(run, sums)
    place = arguments.index(left_out)
    error = error_of(*arguments[:place], *arguments[place + 2 :])
    assert isinstance(error, ConfigError)
    assert left_out in str(error.hint)


def test_a_run_without_held_out_problems(run: RunFolder, sums: Path) -> None:
    config = json.loads(run.config.read_text())
    config["data"]["num_heldout"] = 0
    run.config.write_text(json.dumps(config))
    assert "holds no problems out" in error_of(*flags(run, sums)).message


def test_a_problem_that_was_trained_on_is_not_held_out(run: RunFolder, sums: Path) -> None:
    """With another seed others are drawn, of which the run has trained on some: its data has changed."""
    config = json.loads(run.config.read_text())
    config["data"]["num_heldout"] = 50
    run.config.write_text(json.dumps(config))
    error = error_of(*flags(run, sums))
    assert isinstance(error, DataError)
    assert "has changed since its training" in error.message


def test_a_damaged_checkpoint_is_left_out(run: RunFolder, sums: Path) -> None:
    (run.checkpoint(2) / "adapter_model.safetensors").write_bytes(b"")
    warnings: list[str] = []
    assert find_candidates(run, "all", warn=warnings.append) == [run.checkpoint(1), run.checkpoint(3)]
    assert "is damaged" in warnings[0]
    assert "is damaged" in error_of(*flags(run, sums, "--checkpoints", "1,2")).message


def test_a_model_is_no_run(tiny_model: Path, sums: Path) -> None:
    assert isinstance(error_of(*flags(RunFolder(tiny_model), sums)), ConfigError)
