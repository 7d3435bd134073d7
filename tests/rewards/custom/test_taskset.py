"""Tasksets of verifiers' kind: classes with the attributes of its 0.4.0, without the package."""

from types import SimpleNamespace
from typing import Any

import pytest

from leanrl.config.sections.data import DataConfig
from leanrl.data.load import load_problems
from leanrl.errors import ConfigError, RewardError
from leanrl.rewards.custom.environment import read_environment
from leanrl.rewards.registry import resolve_rewards
from leanrl.types import Sample


def reward(weight: float = 1.0) -> Any:
    """Mark a method as `verifiers.v1.utils.decorators.reward` does."""

    def marked(function: Any) -> Any:
        function.reward, function._vf_weight = True, weight
        return function

    return marked


class Task:
    """The base class of tasks: hooks that do nothing, no tools."""

    NEEDS_CONTAINER = False

    def __init__(self, **data: Any) -> None:
        self.data = SimpleNamespace(**{"prompt": None, "system_prompt": None, "image": None} | data)
        self.config = SimpleNamespace(judges=[])

    async def setup(self, trace: Any, runtime: Any) -> None: ...

    async def finalize(self, trace: Any, runtime: Any) -> None: ...

    @classmethod
    def toolsets(cls, config: Any) -> list[Any]:
        return []

    def hooks(self, mark: str) -> list[Any]:
        names = {name for each in type(self).__mro__ for name, found in vars(each).items() if hasattr(found, mark)}
        return [getattr(self, name) for name in sorted(names)]


class Sums(Task):
    @reward()
    async def right(self, trace: Any) -> float:
        return float(trace.last_reply.split()[-1:] == [self.data.answer])

    @reward(weight=0.5)
    async def keyed(self, task: Any, trace: Any, runtime: Any = None) -> dict[str, float]:
        trace.record_metric("length", len(trace.last_reply))
        return {"short": float(len(trace.messages[-1].content) < 10), "easy": float(task.answer == "4")}

    @reward(weight=0.0)
    async def unpaid(self, trace: Any) -> float:
        raise AssertionError("a weight of 0 pays nothing")


class Taskset:
    bounded = True

    def __init__(self, *tasks: Task) -> None:
        self.tasks, self.config = tasks, SimpleNamespace()

    def load(self) -> Any:
        return self.tasks

    def __iter__(self) -> Any:
        return iter(self.load())

    @classmethod
    def toolsets(cls, config: Any) -> list[Any]:
        return []


class SingleAgentEnv:
    def __init__(self, taskset: Taskset, *, harness: str = "null") -> None:
        self.taskset = taskset
        self.config = SimpleNamespace(agent_harnesses=lambda: {"agent": SimpleNamespace(id=harness)})


class BestOfNEnv(SingleAgentEnv):
    pass


TURN = SimpleNamespace(role="user", content=[SimpleNamespace(type="text", text="3 + 3")])
SUMS = Taskset(
    Sums(prompt="2 + 2", answer="4", system_prompt="Be brief."), Sums(prompt=[TURN], answer="6"),
)  # fmt: skip


def paid(rewards: Any, name: str, row: Any, text: str) -> float | None:
    sample = Sample(row.problem, row.gold, text, 3, 9, False, prompt=row.prompt, columns=row.columns)
    return rewards[name].score(sample)


@pytest.mark.parametrize("environment", [SUMS, SingleAgentEnv(SUMS)])
def test_rows_and_rewards_train(environment: Any):
    """Each row is paid by its own task; keyed scores are added up: short 1 and easy 1 of the first, 0 of the second."""
    task = read_environment(environment)
    assert task.weights == {"keyed": 0.5, "right": 1.0}
    columns = ["verifiers_task"]
    problems = load_problems(DataConfig(generator="python"), seed=0, rows=task.rows, kept_columns=columns).train
    assert [(row.problem, row.gold) for row in problems] == [("2 + 2", "4"), ("3 + 3", "6")]
    assert [turn["role"] for turn in problems[0].prompt] == ["system", "user"]
    rewards = {each.name: each for each in resolve_rewards(task.weights, {}, task.rewards)}
    assert [paid(rewards, "right", row, "it is 6") for row in problems] == [0.0, 1.0]
    assert [paid(rewards, "keyed", row, text) for row, text in zip(problems, ("4", "it is surely 6"), strict=True)] == [
        2.0,
        0.0,
    ]


def test_the_first_rows_and_another_answer_field():
    task = read_environment(Taskset(*(Sums(prompt=f"{n}", answer="", target=n) for n in range(3))),
                            num_rows=2, answer_field="target")  # fmt: skip
    assert [(row["answer"], row["verifiers_task"]) for row in task.rows] == [(0, 0), (1, 1)]


def test_what_a_trace_does_not_hold_is_named_with_the_line_of_the_reward():
    class Timed(Sums):
        @reward()
        async def fast(self, trace: Any) -> float:
            return trace.timing.agent.duration

    task = read_environment(Taskset(Timed(prompt="2 + 2", answer="4")))
    rewards = {each.name: each for each in resolve_rewards(task.weights, {}, task.rewards)}
    row = load_problems(DataConfig(generator="python"), seed=0, rows=task.rows, kept_columns=None).train[0]
    with pytest.raises(RewardError, match=r"one reply, has no 'timing'; it has(.|\n)*test_taskset.py:\d+, in fast"):
        paid(rewards, "fast", row, "4")


class Everything(Sums):
    """All that one reply cannot do."""

    NEEDS_CONTAINER = True

    def __init__(self, **data: Any) -> None:
        super().__init__(**data)
        self.config.judges = ["judge"]

    async def setup(self, trace: Any, runtime: Any) -> None: ...

    @classmethod
    def toolsets(cls, config: Any) -> list[Any]:
        return ["search"]

    def rewrites(self, request: Any) -> None: ...

    rewrites.intercept = True

    @reward()
    async def of_a_box(self, runtime: Any) -> float:
        return 1.0


class Endless(Taskset):
    bounded = False


IMAGE = SimpleNamespace(role="user", content=[SimpleNamespace(type="image_url", image_url="a.png")])


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (BestOfNEnv(SUMS), ["BestOfNEnv plays its tasks by a `run` of its own"]),
        (SingleAgentEnv(SUMS, harness="bash"), ["plays by the harness bash, which takes several turns"]),
        (Endless(*SUMS.tasks), ["makes tasks without an end", "num_rows=1000"]),
        (Taskset(), ["holds no tasks"]),
        (Taskset(Task(prompt="2 + 2", answer="4")), ["pays for nothing: Task has no function with a weight"]),
        (SimpleNamespace(), ["neither the rubric of verifiers 0.1 nor the taskset of 0.4"]),
        (
            Taskset(Sums(), Sums(prompt=[IMAGE], answer="1"), Sums()),
            [
                "task 0 and 1 more: has no prompt: a user opens",
                "task 1: has a prompt with images",
                "task 0 and 1 more: has no 'answer'",
            ],
        ),
        (
            Taskset(Everything(prompt="2 + 2", answer="4")),
            [
                "Everything: gives the model tools",
                "Everything: runs in a container",
                "Everything.setup: prepares or reads a runtime",
                "Everything: changes requests or replies",
                "Everything.config.judges: asks other models",
                "Everything.of_a_box: takes runtime",
            ],
        ),
    ],
)
def test_what_cannot_be_trained_on_is_named_all_at_once(environment: Any, said: list[str]):
    with pytest.raises(ConfigError) as caught:
        read_environment(environment)
    assert [each for each in said if each not in str(caught.value)] == []
