"""A chat template from the first step to the merged model: the same prompt everywhere, whatever becomes of its file."""

import json
import shutil
from pathlib import Path

import pytest

from leanrl.storage.run_folder import RunFolder, read_jsonl
from tests.cli.run import leanrl, tiny_overrides
from tests.models import templates

OTHER = templates.PLAIN.replace("user", "person").replace("<assistant>", "[answer]")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "own template.jinja"
    file.write_text(templates.SWITCHES_THINKING)
    return file


@pytest.fixture(scope="module")
def run(tiny_model: Path, template: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that moves no answer, asked through a template of its own, whose file is changed afterwards."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    settings = (
        f"model.chat_template={template}",
        "model.chat_template_kwargs.enable_thinking=false",
        "rollout.max_prompt_tokens=300",
        "optimizer.learning_rate=1.0e-12",
    )
    outcome = leanrl("train", "-p", "cpu-demo", *tiny_overrides(tiny_model, *settings), "--run-dir", folder)
    assert outcome.code == 0, outcome.err
    assert "chat_template_kwargs" not in outcome.err
    template.write_text(OTHER)
    return RunFolder(folder)


@pytest.fixture(scope="module")
def merged(run: RunFolder) -> Path:
    """The merged model, moved to another place."""
    out = run.path.with_name("merged")
    outcome = leanrl("merge", run.path, "--out", out, "--dtype", "float32")
    assert outcome.code == 0, outcome.err
    return out.rename(run.path.with_name("moved model"))


def answer_of(run: RunFolder) -> dict[str, str]:
    return next(iter(read_jsonl(run.path / "greedy_after.jsonl")))


@pytest.mark.long
def test_a_resumed_run_asks_through_the_template_that_it_was_started_with(run: RunFolder, tmp_path: Path) -> None:
    again = RunFolder(Path(shutil.copytree(run.path, tmp_path / "again")))
    shutil.rmtree(again.checkpoint(2))
    again.summary.write_text(json.dumps(json.loads(again.summary.read_text()) | {"status": "running"}))
    outcome = leanrl("train", "--resume", again.path)
    assert outcome.code == 0, outcome.err
    assert list(read_jsonl(again.path / "greedy_after.jsonl")) == list(read_jsonl(run.path / "greedy_after.jsonl"))
    assert json.loads(again.config.read_text()) == json.loads(run.config.read_text())


@pytest.mark.parametrize("of", ["run", "checkpoint", "merged"])
def test_a_sample_is_asked_with_the_prompt_of_training(run: RunFolder, merged: Path, of: str) -> None:
    """Template, its arguments, system message, the words around the problem and the length are those of the run."""
    source = {"run": run.path, "checkpoint": run.complete_checkpoints()[0], "merged": merged}[of]
    answer = answer_of(run)
    outcome = leanrl("sample", source, answer["problem"])
    assert outcome.code == 0, outcome.err
    assert outcome.out == answer["completion"] + "\n"


def test_the_merged_folder_says_how_it_is_asked(run: RunFolder, merged: Path) -> None:
    config = json.loads(run.config.read_text())
    assert json.loads((merged / "leanrl_prompt.json").read_text()) == {
        "system_prompt": config["data"]["system_prompt"],
        "prompt_template": config["data"]["prompt_template"],
        "examples": config["data"]["examples"],
        "chat_template_kwargs": {"enable_thinking": False},
        "max_completion_tokens": config["rollout"]["max_completion_tokens"],
    }
    card = (merged / "README.md").read_text()
    assert "leanrl_prompt.json" in card
    assert "`enable_thinking=False`" in card


def test_a_merged_model_without_that_prompt_answers_otherwise(run: RunFolder, merged: Path, tmp_path: Path) -> None:
    """What the file is for: the problem alone is another prompt."""
    bare = Path(shutil.copytree(merged, tmp_path / "bare"))
    (bare / "leanrl_prompt.json").unlink()
    answer = answer_of(run)
    outcome = leanrl("sample", bare, answer["problem"], "--max-tokens", "8")
    assert outcome.code == 0, outcome.err
    assert outcome.out != answer["completion"] + "\n"


@pytest.mark.parametrize(("problem", "what"), [("", "'PROBLEM': the text is empty"), ("  \n", "The problem is empty")])
def test_an_empty_problem_is_refused(run: RunFolder, problem: str, what: str) -> None:
    outcome = leanrl("sample", run.path, problem)
    assert outcome.code == 2
    assert what in outcome.err


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (templates.NO_SYSTEM, "data.system_prompt: the template takes no system message"),
        (templates.DROPS_SYSTEM, "data.system_prompt: the template leaves the system message out"),
    ],
)
def test_a_template_that_changes_the_prompt_ends_before_a_run_folder_is_made(
    tiny_model: Path, tmp_path: Path, text: str, where: str
) -> None:
    (tmp_path / "t.jinja").write_text(text)
    arguments = tiny_overrides(tiny_model, f"model.chat_template={tmp_path / 't.jinja'}")
    outcome = leanrl("train", "-p", "cpu-demo", *arguments, "--run-dir", tmp_path / "run")
    assert outcome.code == 2
    assert where in outcome.err
    assert "-s data.system_prompt=null" in outcome.err
    assert "Traceback" not in outcome.err
    assert not (tmp_path / "run").exists()
