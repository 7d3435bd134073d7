"""`leanrl eval` of a run: its newest checkpoint, one checkpoint, its own prompt, and compared with its base."""

import json
from pathlib import Path

import pytest

from leanrl.storage.run_folder import RunFolder
from tests.cli.run import leanrl, tiny_overrides

ROWS = [{"id": f"p{number}", "problem": f"{number} + {number}", "answer": str(2 * number)} for number in range(4)]


@pytest.fixture(scope="module")
def run(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("evaluated") / "run"
    settings = ("train.max_steps=2", "checkpoints.keep_last=9", "eval.greedy=false", "optimizer.learning_rate=0.1")
    done = leanrl("train", "-p", "cpu-demo", *tiny_overrides(tiny_model, *settings), "--run-dir", folder)
    assert done.code == 0, done.err
    return RunFolder(folder)


@pytest.fixture
def asked(tmp_path: Path) -> tuple[str, ...]:
    sums = tmp_path / "sums.jsonl"
    sums.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return ("--benchmarks", str(sums), "--engine", "hf", "--max-tokens", "8", "--protocol", "greedy")


def texts(folder: Path) -> list[str]:
    return sorted(json.loads(line)["text"] for line in (folder / "completions.jsonl").read_text().splitlines())


def test_the_newest_checkpoint_is_asked_as_in_training(run: RunFolder, asked: tuple[str, ...]) -> None:
    done = leanrl("eval", run.path, *asked, "--json")
    assert done.code == 0, done.err
    folder = Path(json.loads(done.out)["folder"])
    assert folder.parent == run.path / "evals"
    assert folder.name.startswith("step-2-greedy")
    question = json.loads((folder / "evaluation.json").read_text())
    assert question["model"]["kind"] == "adapter"
    assert question["model"]["step"] == 2
    # The run goes on being one: its own commands find their files beside the evaluations.
    assert leanrl("report", run.path).code == 0
    assert leanrl("merge", run.path, "--inspect").code == 0


def test_each_checkpoint_has_a_folder_and_is_compared(run: RunFolder, asked: tuple[str, ...]) -> None:
    folders = []
    for step in (1, 2):
        done = leanrl("eval", run.checkpoint(step), *asked, "--json")
        assert done.code == 0, done.err
        folders.append(Path(json.loads(done.out)["folder"]))
    assert [folder.name[:6] for folder in folders] == ["step-1", "step-2"]
    questions = [json.loads((folder / "evaluation.json").read_text()) for folder in folders]
    assert [question["model"]["step"] for question in questions] == [1, 2]
    compared = leanrl("compare", *folders)
    assert compared.code == 0, compared.err
    assert "no difference was shown" in compared.out


@pytest.mark.long
def test_a_merged_model_answers_as_its_adapter(run: RunFolder, asked: tuple[str, ...], tmp_path: Path) -> None:
    merged = tmp_path / "merged"
    assert leanrl("merge", run.path, "--out", merged).code == 0
    done = leanrl("eval", merged, *asked, "--out", tmp_path / "of-merged")
    assert done.code == 0, done.err
    assert leanrl("eval", run.path, *asked, "--out", tmp_path / "of-run").code == 0
    assert texts(tmp_path / "of-merged") == texts(tmp_path / "of-run")
