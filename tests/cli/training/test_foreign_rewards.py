"""A file of rewards written for TRL, in a run of the real command line: `--plugin FILE`, and nothing else."""

import json

import pytest

from leanrl.storage.run_folder import RunFolder, read_jsonl
from tests.cli.run import leanrl, tiny_overrides

# As TRL's own examples write them; a completion of a conversation is a list of one message.
OF_TRL = """
from trl.rewards import accuracy_reward, get_repetition_penalty_reward, think_format_reward


def variety(completions, level, log_metric, trainer_state, **kwargs):
    log_metric("level", sum(level) / len(level))
    return [len(set(one[0]["content"])) / 10 + trainer_state.global_step for one in completions]


def short_ones(prompts, completions, completion_ids, **kwargs):
    return [1.0 if len(ids) < 8 else None for ids in completion_ids]


repeats = get_repetition_penalty_reward(ngram_size=1, max_penalty=-0.5)
"""
NAMES = ("accuracy_reward", "think_format_reward", "variety", "short_ones", "repeats")


@pytest.fixture(scope="module")
def run(tiny_model, tmp_path_factory):
    """Return the folder of a run of two steps on rows with two columns more than leanrl asks for."""
    folder = tmp_path_factory.mktemp("foreign")
    (folder / "of_trl.py").write_text(OF_TRL)
    rows = [
        {"problem": f"{i}+{i}", "answer": str(2 * i), "solution": f"${2 * i}$", "level": 3, "unused": "x" * 9}
        for i in range(8)
    ]
    (folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    weights = [f"rewards.{name}=1.0" for name in NAMES]
    source = ("data.generator=null", f"data.path={folder / 'sums.jsonl'}")
    flags = tiny_overrides(tiny_model, *weights, *source, "eval.greedy=false", "data.num_heldout=0")
    arguments = ["train", "-p", "cpu-demo", *flags, "--plugin", folder / "of_trl.py", "--run-dir", folder / "run"]
    outcome = leanrl(*arguments)
    assert outcome.code == 0, outcome.err
    return RunFolder(folder / "run")


def test_every_function_is_a_reward_of_the_run(run):
    """Columns, the trainer's state and log_metric reach it, and its values reach the metrics."""
    first, second = read_jsonl(run.metrics)
    assert set(NAMES) <= set(first["rewards"])
    assert first["reward_metrics"] == second["reward_metrics"] == {"level": 3.0}
    assert first["rewards"]["variety"] < 1 < second["rewards"]["variety"]
    assert first["unscored_share"] == 0.0


def test_what_a_reward_skips_is_null(run):
    """A completion of the full 8 tokens."""
    records = list(read_jsonl(run.completions / "step-000001.jsonl"))
    assert records
    for record in records:
        assert record["rewards"]["short_ones"] == (1.0 if record["num_tokens"] < 8 else None)


def test_a_column_that_the_data_lacks_is_named_before_a_model_is_loaded(run, tmp_path):
    (tmp_path / "of_trl.py").write_text(OF_TRL)
    outcome = leanrl(
        *("train", "-p", "cpu-demo", "-s", "rewards.accuracy_reward=1.0", "--dry-run"),
        *("--plugin", tmp_path / "of_trl.py"),
    )
    assert 'Reward "accuracy_reward" takes solution, which is no column of the data' in outcome.out + outcome.err
    assert "its columns are: problem, answer" in outcome.out + outcome.err


def test_rewards_are_listed_with_their_columns(run, tmp_path):
    (tmp_path / "of_trl.py").write_text(OF_TRL)
    outcome = leanrl("rewards", "--plugin", tmp_path / "of_trl.py", "--json")
    found = {one["name"]: one for one in json.loads(outcome.out)}
    assert found["accuracy_reward"]["columns"] == ["solution"]
    assert found["variety"]["columns"] == ["level"]
    assert found["repeats"]["columns"] == []
