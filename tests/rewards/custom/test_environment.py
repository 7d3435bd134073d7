"""Environments of verifiers' kind: the attributes of its 0.1.14, without the package."""

from types import SimpleNamespace
from typing import Any

import pytest

from leanrl.config.sections.data import DataConfig
from leanrl.data.load import load_problems
from leanrl.errors import ConfigError
from leanrl.rewards.custom.environment import read_environment
from leanrl.rewards.registry import resolve_rewards
from leanrl.types import Sample

ROWS = [
    {
        "prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2 + 2"}],
        "answer": "4",
        "info": {"hard": False},
    },
    {"prompt": [{"role": "user", "content": "3 + 3"}], "answer": "6", "info": {"hard": True}},
]


class Parser:
    def parse_answer(self, completion: list[dict[str, str]]) -> str:
        return completion[-1]["content"].split()[-1]


def right(parser: Parser, completion: Any, answer: str, **kwargs: Any) -> float:
    return float(parser.parse_answer(completion) == answer)


async def brief(completion: Any, info: dict[str, bool]) -> float:
    return 1.0 if len(completion[-1]["content"]) < 10 or info["hard"] else 0.0


def length(completion: Any) -> float:
    return float(len(completion[-1]["content"]))


def best(completions: list[Any]) -> list[float]:
    return [0.0] * len(completions)


def ranked(answers: list[str]) -> list[float]:
    return [0.0] * len(answers)


def listed(completion: Any) -> list[float]:
    return [0.0]


def rubric(**weights: float) -> SimpleNamespace:
    functions = {function.__name__: function for function in (right, brief, length, best, ranked, listed)}
    return SimpleNamespace(
        funcs=[functions[name] for name in weights], weights=list(weights.values()), class_objects={"parser": Parser()}
    )


class SingleTurnEnv:
    def __init__(self, rubric: Any, *, max_turns: int = 1) -> None:
        self.rubric, self.max_turns = rubric, max_turns

    def get_dataset(self, n: int = -1) -> list[dict[str, Any]]:
        return ROWS if n < 0 else ROWS[:n]


def test_rows_and_rewards_train():
    """The parser reaches the function that asks for it, and columns those that name them; a metric is left out."""
    task = read_environment(SingleTurnEnv(rubric(right=1.0, brief=0.5, length=0.0)))
    assert task.weights == {"right": 1.0, "brief": 0.5}
    problems = load_problems(DataConfig(generator="python"), seed=0, rows=task.rows, kept_columns=None)
    assert [(row.problem, row.gold) for row in problems.train] == [("2 + 2", "4"), ("3 + 3", "6")]
    assert problems.train[0].prompt[0]["content"] == "Be brief."
    rewards = {each.name: each for each in resolve_rewards(task.weights, {}, task.rewards)}

    def paid(name: str, text: str, row: Any) -> float | None:
        sample = Sample(row.problem, row.gold, text, 3, 9, False, prompt=row.prompt, columns=row.columns)
        return (
            rewards[name].score_batch([sample], {})[0]
            if hasattr(rewards[name], "score_batch")
            else rewards[name].score(sample)
        )

    first, second = problems.train
    assert [paid("right", text, first) for text in ("it is 4", "it is 5")] == [1.0, 0.0]
    assert [paid("brief", "it is surely 4", row) for row in (first, second)] == [0.0, 1.0]


def test_a_group_of_rubrics():
    group = SimpleNamespace(rubrics=[rubric(right=1.0), rubric(brief=0.25)])
    assert read_environment(SingleTurnEnv(group), num_rows=1).weights == {"right": 1.0, "brief": 0.25}


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (SingleTurnEnv(rubric(right=1.0), max_turns=10), "takes 10 turns"),
        (SingleTurnEnv(rubric(right=1.0), max_turns=-1), "any number of turns"),
        (SingleTurnEnv(rubric(length=0.0)), "pays for nothing"),
        (SingleTurnEnv(rubric(right=1.0, best=1.0)), "best compares completions"),
        (SingleTurnEnv(rubric(ranked=1.0, listed=1.0)), "ranked, listed compares completions"),
        (
            SingleTurnEnv(SimpleNamespace(rubrics=[rubric(right=1.0), rubric(right=1.0)])),
            "several functions named right",
        ),
    ],
)
def test_what_cannot_be_trained_on_is_named(environment: SingleTurnEnv, said: str):
    with pytest.raises(ConfigError, match=said):
        read_environment(environment)
