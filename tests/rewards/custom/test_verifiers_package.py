"""Tasksets of the package verifiers 0.4 itself, where it is installed; `test_taskset.py` has the same without it."""

import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import pytest

from leanrl.config.sections.data import DataConfig
from leanrl.data.load import load_problems
from leanrl.errors import ConfigError
from leanrl.rewards.custom.environment import read_environment
from leanrl.rewards.registry import resolve_rewards
from leanrl.types import Sample

if find_spec("verifiers") is None or find_spec("verifiers.v1") is None:
    # leanrl does not need the package, which brings some forty others: `make test` plays its attributes.
    pytest.skip("verifiers 0.4 is not installed: pip install 'verifiers>=0.4,<0.5'", allow_module_level=True)

import verifiers.v1 as vf


class SumData(vf.TaskData):
    answer: str


class Sum(vf.Task[SumData]):
    @vf.reward
    async def right(self, trace: Any) -> float:
        return float(trace.last_reply.split()[-1:] == [self.data.answer])

    @vf.reward(weight=0.5)
    async def keyed(self, task: Any, trace: Any, runtime: Any = None) -> dict[str, float]:
        trace.record_metric("length", len(trace.last_reply))
        return {"short": float(len(trace.messages[-1].content) < 10), "easy": float(task.answer == "4")}

    @vf.reward(weight=0.0)
    async def unpaid(self, trace: Any) -> float:
        raise AssertionError("a weight of 0 pays nothing")

    @vf.metric
    async def length(self, trace: Any) -> float:
        raise AssertionError("a metric is not asked")


class Sums(vf.Taskset[Sum]):
    def load(self) -> Any:
        yield Sum(SumData(prompt="2 + 2", answer="4", system_prompt="Be brief."))
        yield Sum(SumData(prompt=[vf.UserMessage(content="3 + 3")], answer="6"))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes what the package loads by a name: a taskset, or its environment with a harness."""
    module = ModuleType("taskset_of_sums")
    module.Sums, module.__all__ = Sums, ["Sums"]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def load(what: str, **agent: Any) -> Any:
        if what == "taskset":
            return vf.load_taskset(vf.TasksetConfig(id=module.__name__))
        return vf.load_environment(vf.SingleAgentEnvConfig(taskset={"id": module.__name__}, agent=agent))

    return load


def paid(rewards: Any, name: str, row: Any, text: str) -> float | None:
    sample = Sample(row.problem, row.gold, text, 3, 9, False, prompt=row.prompt, columns=row.columns)
    return rewards[name].score(sample)


@pytest.mark.parametrize("what", ["taskset", "environment"])
def test_rows_and_rewards_train(made: Any, what: str):
    """The numbers of `test_taskset.py`: keyed scores are added up, short 1 and easy 1 of the first row."""
    task = read_environment(made(what, harness={"id": "null"}))
    assert task.weights == {"keyed": 0.5, "right": 1.0}
    problems = load_problems(
        DataConfig(generator="python"), seed=0, rows=task.rows, kept_columns=["verifiers_task"]
    ).train
    assert [(row.problem, row.gold) for row in problems] == [("2 + 2", "4"), ("3 + 3", "6")]
    assert [turn["role"] for turn in problems[0].prompt] == ["system", "user"]
    rewards = {each.name: each for each in resolve_rewards(task.weights, {}, task.rewards)}
    assert [paid(rewards, "right", row, "it is 6") for row in problems] == [0.0, 1.0]
    assert paid(rewards, "keyed", problems[0], "4") == 2.0
    assert paid(rewards, "keyed", problems[1], "it is surely 6") == 0.0


def test_the_harness_that_the_package_takes_by_itself_is_refused(made: Any):
    with pytest.raises(ConfigError, match="plays by the harness bash"):
        read_environment(made("environment"))


class Endless(Sums):
    INFINITE = True

    def load(self) -> Any:
        while True:
            yield from super().load()


def test_a_taskset_without_an_end_gives_its_first_rows():
    taskset = Endless(vf.TasksetConfig())
    with pytest.raises(ConfigError, match="makes tasks without an end"):
        read_environment(taskset)
    assert len(read_environment(taskset, num_rows=5).rows) == 5
    assert len(read_environment(taskset.take(3)).rows) == 3


class Everything(Sum):
    NEEDS_CONTAINER = True

    async def setup(self, trace: Any, runtime: Any) -> None: ...

    async def stage_verifier(self, trace: Any, runtime: Any) -> None: ...

    @classmethod
    def toolsets(cls, config: Any) -> list[Any]:
        return ["search"]

    @vf.intercept
    async def rewrites(self, request: Any) -> None: ...

    @vf.reward
    async def of_a_box(self, runtime: Any) -> float:
        return 1.0


class OfEverything(vf.Taskset[Everything]):
    def load(self) -> Any:
        yield Everything(SumData(prompt="2 + 2", answer="4"))
        yield Everything(SumData(answer="4"))


def test_what_cannot_be_trained_on_is_named_all_at_once():
    with pytest.raises(ConfigError) as caught:
        read_environment(OfEverything(vf.TasksetConfig()))
    for said in (
        "Everything: gives the model tools", "Everything: runs in a container",
        "Everything.setup: prepares or reads a runtime", "Everything.stage_verifier: prepares or reads a runtime",
        "Everything: changes requests or replies", "Everything.of_a_box: takes runtime", "task 1: has no prompt",
    ):  # fmt: skip
        assert said in str(caught.value)
    assert "finalize" not in str(caught.value)
