"""`import leanrl`: a run, a plan, an evaluation and a merged model from Python, and how they show themselves."""

import json
import shutil
from pathlib import Path

import pytest

import leanrl
from leanrl.api.settings import as_settings
from leanrl.errors import ConfigError
from tests.cli.run import tiny_overrides

ROWS = [{"problem": f"{a} + {b}", "answer": str(a + b)} for a in range(1, 5) for b in range(1, 4)]


def brevity(sample):
    """Pays a completion that has few letters."""
    return 1.0 / (1 + len(sample.text))


@pytest.fixture(scope="module")
def run(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> leanrl.Run:
    flags = tiny_overrides(tiny_model, "data.num_heldout=0", "eval.greedy=false", "train.max_steps=2")
    settings = [flag for flag in flags if flag != "-s"]
    folder = tmp_path_factory.mktemp("api") / "run"
    return leanrl.train("cpu-demo", rows=ROWS, rewards=["accuracy", brevity], overrides=settings, run_dir=folder)


def test_a_run_has_its_numbers(run: leanrl.Run) -> None:
    assert run.summary["status"] == "finished"
    assert [step["step"] for step in run.steps] == [1, 2]
    assert run.steps[0]["rewards"].keys() == {"accuracy", "brevity"}
    config = json.loads((run.folder / "config.json").read_text())
    assert {name: weight for name, weight in config["rewards"].items() if weight} == {"accuracy": 1.0, "brevity": 1.0}


def test_a_run_shows_its_curves(run: leanrl.Run) -> None:
    page = run._repr_html_()
    assert page.count("data:image/png;base64,") >= 3
    assert "<script" not in page
    assert "Finished: 2 steps of cpu-demo" in str(run)


def test_a_run_is_opened_again(run: leanrl.Run, tmp_path: Path) -> None:
    assert leanrl.Run(run.folder).summary == run.summary
    with pytest.raises(ConfigError):
        leanrl.Run(tmp_path)


def test_a_finished_run_has_nothing_to_resume(run: leanrl.Run) -> None:
    with pytest.raises(ConfigError, match="is finished"):
        leanrl.resume(run, rows=ROWS, rewards=["accuracy", brevity])


def test_a_run_is_evaluated_and_merged(run: leanrl.Run, tmp_path: Path) -> None:
    problems = tmp_path / "sums.jsonl"
    problems.write_text("".join(json.dumps({"id": str(place), **row}) + "\n" for place, row in enumerate(ROWS[:3])))
    found = leanrl.evaluate(run, benchmarks=[problems], engine="hf", max_tokens=4, samples=2)
    assert found.accuracy.keys() == {"sums"}
    assert "<td" in found._repr_html_()
    assert "95 % interval" in str(found)
    again = leanrl.evaluate(run, benchmarks=[problems], engine="hf", max_tokens=4, samples=2, out=tmp_path / "again")
    assert_compares(found, again)
    assert_grades_again(found, problems)
    report = leanrl.merge(run, tmp_path / "merged", dtype="float32")
    assert (tmp_path / "merged" / "model.safetensors").is_file()
    assert report is not None


def assert_compares(found: leanrl.Evaluation, again: leanrl.Evaluation) -> None:
    copied = shutil.copytree(again.folder, again.folder.with_name("copied"))
    compared = leanrl.compare(found, again, copied / "scores.json")
    assert [one["benchmarks"]["sums"]["difference"] for one in compared.found["comparisons"]] == [0.0, 0.0]
    assert "In sum: no difference was shown on 1 benchmark." in str(compared)
    page = compared._repr_html_()
    assert page.count("<table>") == 2
    assert "In sum: no difference was shown on 1 benchmark." in page
    assert "2 evaluations were compared with one base" in page


def assert_grades_again(found: leanrl.Evaluation, problems: Path) -> None:
    with pytest.raises(ConfigError, match="is no model but an evaluation, which leanrl has graded"):
        leanrl.evaluate(found)
    with pytest.raises(ConfigError, match="samples, protocol would do nothing"):
        leanrl.evaluate(found, grader="math-verify", benchmarks=problems, samples=4, protocol="greedy")
    again = leanrl.evaluate(found, grader="math-verify", benchmarks=problems)
    assert again.folder == found.folder
    assert again.accuracy == found.accuracy
    assert found.scores["benchmarks"]["sums"]["math_verify_accuracy"] is None
    assert again.scores["benchmarks"]["sums"]["math_verify_accuracy"] is not None


def test_a_comparison_takes_another_evaluation() -> None:
    with pytest.raises(ConfigError, match="given: sober:open-rs3 alone"):
        leanrl.compare("sober:open-rs3")
    with pytest.raises(ConfigError, match="sober:open-rs3: is the same evaluation as open-rs3"):
        leanrl.compare("open-rs3", "sober:open-rs3", force=True)
    compared = leanrl.compare("sober:open-rs3", "sober:open-rs2", force=True)
    assert repr(compared).startswith("<Compared ")


def test_a_plan_is_a_table() -> None:
    planned = leanrl.plan("single-gpu-lora", gpu="rtx3090", overrides={"rollout.max_completion_tokens": 2048})
    assert planned.verdict in ("fits", "tight", "does_not_fit")
    assert planned.peak_bytes > 2**30
    assert "<table>" in planned._repr_html_()
    assert repr(planned).startswith("<Planned single-gpu-lora")


def test_overrides_are_settings() -> None:
    nested = as_settings({"train.max_steps": 5, "data.path": Path("my file.jsonl"), "model.chat_template": None})
    assert nested == ["train.max_steps=5", 'data.path="my file.jsonl"', "model.chat_template=null"]
    with pytest.raises(ConfigError, match="cannot be used") as refused:
        as_settings({"train.seed": object(), "data.path": print})
    assert len(refused.value.problems) == 2


@pytest.mark.parametrize(
    ("rewards", "says"),
    [("accuracy", "not a list"), (["accuracy", "accuracy"], "more than once"), ([lambda sample: 1.0], "has no name")],
)
def test_rewards_that_cannot_be_named(rewards, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        leanrl.train("cpu-demo", rows=ROWS, rewards=rewards)


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(AttributeError, match="it has Compared, Evaluation, Planned, Run"):
        leanrl.tain  # noqa: B018
    assert set(leanrl.__all__) <= set(dir(leanrl))
