"""examples/custom_task.py: its rows, its reward, and a run on both."""

import json
import runpy
from itertools import product
from pathlib import Path

import pytest

from tests.cli.run import leanrl, tiny_overrides

FILE = Path(__file__).parents[2] / "examples" / "custom_task.py"


@pytest.fixture(scope="module")
def example() -> dict:
    return runpy.run_path(str(FILE), run_name="leanrl_plugin_custom_task")


def test_the_gold_answers_are_the_fewest_coins(example: dict):
    """By trying all: up to 4 coins for amounts up to 60."""
    best = {}
    for count in range(1, 5):
        for coins in product(example["COINS"], repeat=count):
            best.setdefault(sum(coins), count)
    assert all(len(example["fewest"](amount)) == best[amount] for amount in range(1, 61) if amount in best)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\boxed{20 + 10 + 1}", 1.0),
        (r"\boxed{1 + 10 + 20}", 1.0),
        (r"\boxed{10 + 10 + 10 + 1}", 0.25),
        (r"\boxed{30 + 1}", 0.0),
        (r"\boxed{31}", 0.0),
        (r"\boxed{20 + 10}", 0.0),
        (r"\boxed{}", 0.0),
        ("20 + 10 + 1", 0.0),
    ],
)
def test_the_reward(example: dict, text: str, expected: float):
    assert example["fewest_coins"](text, amount=31, any_number=0.25) == expected
    assert example["fewest_coins"]([{"role": "assistant", "content": text}], 31, 0.25) == expected


@pytest.mark.long
def test_a_run_on_it(example: dict, tiny_model: Path, tmp_path: Path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in example["rows"](20, seed=0, level=1)))
    settings = tiny_overrides(
        tiny_model, f"data.path={rows}", "rewards.fewest_coins=1.0", "rewards.accuracy=0.0", "rewards.one_box=0.1",
        "data.num_heldout=0", "eval.greedy=false", "rollout.max_prompt_tokens=512", "train.max_steps=1",
    )  # fmt: skip
    done = leanrl("train", "-p", "cpu-demo", *settings, "--plugin", FILE, "--run-dir", tmp_path / "run")
    assert done.code == 0, done.err
    step = json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[0])
    assert step["rewards"].keys() == {"fewest_coins", "accuracy", "one_box"}
    assert step["rewards"]["fewest_coins"] == 0.0
