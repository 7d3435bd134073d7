"""The ledger of real runs: what is in it, and what a kill and a resume make of it."""

import json
import shutil
from pathlib import Path
from random import Random

import pytest

from leanrl.ledger.run_ledger import RunLedger
from leanrl.storage.checkpoint_files import LEDGER, find_damage
from leanrl.storage.run_folder import RunFolder, read_json
from leanrl.types import Row, prompt_id
from tests.cli.run import leanrl, tiny_overrides

STEPS, PROMPTS, G = 4, 2, 4
SETTINGS = (f"train.max_steps={STEPS}", "checkpoints.keep_last=9", "data.num_heldout=0", "eval.greedy=false")


@pytest.fixture(scope="module")
def whole(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that was never stopped, with a checkpoint of every step; read it, never write to it."""
    folder = tmp_path_factory.mktemp("ledger") / "whole"
    done = leanrl("train", "-p", "cpu-demo", *tiny_overrides(tiny_model, *SETTINGS), "--run-dir", folder)
    assert done.code == 0, done.err
    return RunFolder(folder)


def test_every_group_of_a_run_is_in_its_ledger(whole: RunFolder) -> None:
    history = list(RunLedger.load(whole.ledger))
    assert [each.step for _, each in history] == [step for step in range(STEPS) for _ in range(PROMPTS)]
    assert {len(each.rewards_G) for _, each in history} == {G}
    texts = [json.loads(line) for line in whole.prompts.read_text().splitlines()]
    assert {text["id"] for text in texts} == {prompt for prompt, _ in history}
    assert all(text["problem"] for text in texts)


def test_its_numbers_are_those_of_metrics(whole: RunFolder) -> None:
    """The mean reward of step n is over the visits that count n - 1 finished steps."""
    history = list(RunLedger.load(whole.ledger))
    for line in whole.metrics.read_text().splitlines():
        metrics = json.loads(line)
        visits = [each for _, each in history if each.step == metrics["step"] - 1]
        rewards = [reward for each in visits for reward in each.rewards_G]
        lengths = [length for each in visits for length in each.lengths_G]
        assert sum(rewards) / len(rewards) == pytest.approx(metrics["reward"], abs=1e-6)
        assert sum(lengths) / len(lengths) == pytest.approx(metrics["completion_tokens"]["mean"])


def test_each_checkpoint_has_the_steps_before_it(whole: RunFolder) -> None:
    for step, checkpoint in enumerate(whole.complete_checkpoints(), start=1):
        ledger = RunLedger.load(checkpoint / LEDGER)
        assert len(ledger) == step * PROMPTS
        assert LEDGER in read_json(checkpoint / "COMPLETE")["files"]
        assert find_damage(checkpoint, lambda name: name == LEDGER) == []
    assert (checkpoint / LEDGER).read_bytes() == whole.ledger.read_bytes()


@pytest.mark.long
def test_a_killed_and_resumed_run_leaves_the_same_files(whole: RunFolder, tmp_path: Path) -> None:
    """It was killed within step 4, while it appended, and before the checkpoint of step 3 was complete."""
    run = RunFolder(tmp_path / "killed")
    shutil.copytree(whole.path, run.path, symlinks=True)
    for step in (3, 4):
        shutil.rmtree(run.checkpoint(step))
    run.summary.write_text('{"status": "running"}')
    run.ledger.write_bytes(run.ledger.read_bytes()[:-5])
    done = leanrl("train", "--resume", run.path)
    assert done.code == 0, done.err
    assert run.ledger.read_bytes() == whole.ledger.read_bytes()
    assert run.prompts.read_bytes() == whole.prompts.read_bytes()


@pytest.mark.long
def test_two_ranks_ask_the_same_problems_in_the_same_order(whole: RunFolder, tiny_model: Path, tmp_path: Path) -> None:
    """Their completions differ, because each rank samples with a seed of its own."""
    settings = tiny_overrides(tiny_model, *SETTINGS, "hardware.num_cpu_ranks=2", "checkpoints.every_steps=4")
    run = RunFolder(tmp_path / "ranks")
    done = leanrl("train", "-p", "cpu-demo", *settings, "--run-dir", run.path)
    assert done.code == 0, done.err
    asked = [(each.step, prompt) for prompt, each in RunLedger.load(run.ledger)]
    assert asked == [(each.step, prompt) for prompt, each in RunLedger.load(whole.ledger)]
    assert run.prompts.read_bytes() == whole.prompts.read_bytes()
    assert (run.checkpoint(STEPS) / LEDGER).read_bytes() == run.ledger.read_bytes()


def test_the_report_of_a_run_shows_its_problems(whole: RunFolder, tmp_path: Path) -> None:
    done = leanrl("report", whole.path, "--out", tmp_path)
    assert done.code == 0, done.err
    page = (tmp_path / "index.html").read_text()
    assert "Problems by pass rate" in page
    first = json.loads(whole.prompts.read_text().splitlines()[0])
    assert f'<code class="asked">{first["problem"]}</code>' in page
    assert (tmp_path / "decided_groups.png").is_file()


def test_its_problems_are_ranked_and_trained_again(whole: RunFolder, tiny_model: Path, tmp_path: Path) -> None:
    """GRESO knows in the first step that a group of each was all wrong: it asks those whose draw is below 0.5."""
    out = tmp_path / "ranked.jsonl"
    done = leanrl("data", "rank", whole.path, "--top", 6, "--out", out)
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) == 6
    assert all(row["leanrl_num_visits"] >= 1 for row in rows)
    assert {row["leanrl_in_a_row"] for row in rows} == {-1}  # a random model solves nothing
    assert leanrl("data", "rank", whole.path, "--out", out).code == 2  # nothing is overwritten
    again = ("data.generator=null", f"data.path={out}", "data.shuffle=false", "train.max_steps=1")
    settings = (*tiny_overrides(tiny_model, *SETTINGS, *again), "-s", "algorithm.choose_prompts.name=greso", "-s")
    column = "algorithm.choose_prompts.column"
    done = leanrl("train", "-p", "cpu-demo", *settings, f"{column}=leanrl_signal", "--run-dir", tmp_path / "refused")
    assert done.code == 4
    assert "reads the column 'leanrl_signal', and row " in done.err
    done = leanrl("train", "-p", "cpu-demo", *settings, f"{column}=leanrl_in_a_row", "--run-dir", tmp_path / "again")
    assert done.code == 0, done.err
    run = RunFolder(tmp_path / "again")
    known = [prompt_id(Row("", row["problem"], row["answer"], "")) for row in rows]
    seed = read_json(run.config)["train"]["seed"]
    drawn = [each for each in known if Random(f"{seed}/0/{each}").random() < 0.5]
    asked = [prompt for prompt, _ in RunLedger.load(run.ledger)]
    assert asked == drawn[:PROMPTS] != known[:PROMPTS]


def test_a_run_without_a_ledger_has_no_ranks(whole: RunFolder, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(whole.path, copy)
    RunFolder(copy).ledger.unlink()
    done = leanrl("data", "rank", copy)
    assert done.code == 2
    assert "has no ledger" in done.err
