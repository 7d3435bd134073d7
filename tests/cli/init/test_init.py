"""`leanrl init`: three answers, or options, become a preset that trains; nothing of a user's is written over."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from leanrl.config.load import load_config
from tests.cli.run import Outcome, leanrl


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [{"question": f"{a} + {b}", "answer": a + b} for a in range(1, 5) for b in range(1, 6)]
    (tmp_path / "my sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def answered(folder: Path, typed: str, *options: str) -> Outcome:
    """Return what `leanrl init` did where a person types these lines."""
    done = subprocess.run(
        [sys.executable, "-m", "leanrl", "init", *options],
        cwd=folder,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def test_three_answers_make_a_preset_for_the_cpu(folder: Path) -> None:
    done = answered(folder, "cpu\n\nmy sums.jsonl\n")
    assert done.code == 0, done.err
    assert [number for number in ("1/3", "2/3", "3/3") if number in done.err] == ["1/3", "2/3", "3/3"]
    assert done.out.endswith("written: mine.yaml\nnext: leanrl train -p mine.yaml\n")
    config = load_config(folder / "mine.yaml").config
    assert (config.data.path, config.data.num_heldout, config.eval.greedy) == ("my sums.jsonl", 4, True)
    assert (config.data.prompt_template, config.data.examples) == ("{problem}", [])
    ready = leanrl("train", "-p", "mine.yaml", "--dry-run", cwd=folder)
    assert "16 to train on, 4 held out" in ready.out


def test_options_ask_nothing_and_a_card_gets_settings_that_fit(folder: Path) -> None:
    """7B with adapters is too much for 12 GB as the preset stands."""
    model = "Qwen/Qwen2.5-7B-Instruct"
    done = answered(folder, "", "--device", "3060", "--model", model, "-y", "--out", "small.yaml", "-s", "train.seed=7")
    assert done.code == 0, done.err
    assert "/3" not in done.err
    assert "it fits" in done.out
    text = (folder / "small.yaml").read_text()
    assert "# Chosen so that it fits: " in text
    config = load_config(folder / "small.yaml").config
    assert (config.hardware.gpu, config.train.seed, config.name) == ("rtx3060-12", 7, "small")
    assert leanrl("plan", "-p", "small.yaml", "--strict", cwd=folder).code == 0


def test_a_wrong_answer_is_explained_and_asked_again(folder: Path) -> None:
    typed = "rtx9999\ncard\ncpu\nno such model\nQwen/Qwen2.5-0.5B-Instruct\nmissing.csv\nmy sums.jsonl\n"
    done = answered(folder, typed)
    assert done.code == 0, done.err
    for said in ("rtx9999", "which card?", "'no such model' is no folder here", "'missing.csv' does not exist"):
        assert f"not possible: {said}" in done.err or said in done.err
    assert done.err.count("not possible:") == 4
    assert done.err.count("hint:") == 4
    assert load_config(folder / "mine.yaml").config.model.id == "Qwen/Qwen2.5-0.5B-Instruct"


def test_a_file_is_never_written_over(folder: Path) -> None:
    (folder / "mine.yaml").write_text("about: mine\n")
    done = answered(folder, "", "--yes")
    assert (done.code, (folder / "mine.yaml").read_text()) == (2, "about: mine\n")
    assert "leanrl init --out mine-2.yaml" in done.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--device", "rtx9999"], "leanrl cards"),
        (["--device", "t4"], "has no bf16"),
        (["--model", "no/such/model"], "OWNER/NAME"),
        (["--device", "cpu", "--data", "missing.csv"], "does not exist"),
        (["--device", "cpu", "--data", "my sums.jsonl", "-s", "data.answer_column=gold"], "no column 'gold'"),
        (["--out", "mine.txt"], "leanrl init --out mine.yaml"),
        (["--out", "no/mine.yaml"], "mkdir -p no"),
        (["-s", "train.sede=7"], "train.seed"),
    ],
)
def test_a_wrong_option_ends_with_its_reason(folder: Path, options: list[str], says: str) -> None:
    done = answered(folder, "", "--yes", *options)
    assert done.code in (2, 4), done.err
    assert says in done.err
    assert "Traceback" not in done.err
    assert list(folder.glob("*.yaml")) == []


def test_answers_that_end_say_which_option_is_left(folder: Path) -> None:
    done = answered(folder, "cpu\n")
    assert done.code == 2
    assert "--model" in done.err


def test_a_terminal_shows_the_question_before_it_waits(folder: Path) -> None:
    """Without a line break at its end a question may stay in a buffer."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "leanrl", "init"], cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs
    ) as asking:
        os.close(theirs)
        shown = b""
        while b"] " not in shown:
            shown += os.read(ours, 1024)
        asking.terminate()
    os.close(ours)
    assert b"1/3" in shown
