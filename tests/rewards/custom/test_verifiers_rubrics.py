"""Environments of the package verifiers 0.1 itself, where it is installed; `test_environment.py` has them without."""

from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pytest

from leanrl.config.sections.data import DataConfig
from leanrl.data.load import load_problems
from leanrl.errors import ConfigError
from leanrl.rewards.custom.environment import read_environment
from leanrl.rewards.registry import resolve_rewards
from leanrl.types import Sample

try:
    INSTALLED = version("verifiers")
except PackageNotFoundError:
    INSTALLED = "none"
if not INSTALLED.startswith("0.1."):
    # As in test_verifiers_package.py; the two versions cannot be installed together.
    pytest.skip("verifiers 0.1 is not installed: pip install 'verifiers>=0.1,<0.2'", allow_module_level=True)

import verifiers as vf
from datasets import Dataset

ROWS = Dataset.from_list(
    [
        {"question": "2 + 2", "answer": "4", "info": {"hard": False}},
        {"question": "3 + 3", "answer": "6", "info": {"hard": True}},
    ]
)


async def right(parser: Any, completion: Any, answer: str, **kwargs: Any) -> float:
    return float((parser.parse_answer(completion) or "").split()[-1:] == [answer])


def brief(completion: Any, info: Any) -> float:
    return 1.0 if len(completion[-1]["content"]) < 10 or "true" in str(info).lower() else 0.0


def unpaid(completion: Any) -> float:
    raise AssertionError("a weight of 0 pays nothing")


def best(prompts: Any) -> list[float]:
    return [0.0] * len(prompts)


def environment(**weights: float) -> Any:
    functions = {function.__name__: function for function in (right, brief, unpaid, best)}
    rubric = vf.Rubric(funcs=[functions[name] for name in weights], weights=list(weights.values()))
    return vf.SingleTurnEnv(dataset=ROWS, system_prompt="Be brief.", rubric=rubric)


def test_rows_and_rewards_train():
    """Beside the own rubric the package adds one that counts turns, with weight 0."""
    task = read_environment(environment(right=1.0, brief=0.5, unpaid=0.0))
    assert task.weights == {"right": 1.0, "brief": 0.5}
    problems = load_problems(DataConfig(generator="python"), seed=0, rows=task.rows, kept_columns=None).train
    assert [(row.problem, row.gold) for row in problems] == [("2 + 2", "4"), ("3 + 3", "6")]
    assert [turn["role"] for turn in problems[0].prompt] == ["system", "user"]
    rewards = {each.name: each for each in resolve_rewards(task.weights, {}, task.rewards)}

    def paid(name: str, text: str, row: Any) -> float | None:
        sample = Sample(row.problem, row.gold, text, 3, 9, False, prompt=row.prompt, columns=row.columns)
        return rewards[name].score(sample)

    first, second = problems
    assert [paid("right", text, first) for text in ("it is 4", "it is 5")] == [1.0, 0.0]
    assert [paid("brief", "it is surely 4", row) for row in (first, second)] == [0.0, 1.0]
    assert len(read_environment(environment(right=1.0), num_rows=1).rows) == 1


class Talk(vf.MultiTurnEnv):
    async def env_response(self, messages: Any, state: Any, **kwargs: Any) -> Any:
        return []


def test_what_cannot_be_trained_on_is_named():
    with pytest.raises(ConfigError, match="best compares completions"):
        read_environment(environment(right=1.0, best=1.0))
    with pytest.raises(ConfigError, match="pays for nothing"):
        read_environment(environment(unpaid=0.0))
    with pytest.raises(ConfigError, match="takes 3 turns"):
        read_environment(Talk(dataset=ROWS, rubric=vf.Rubric(funcs=[right]), max_turns=3))
