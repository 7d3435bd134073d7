"""Rows and rewards of a single-turn environment of verifiers (0.1 and 0.4), which is not imported here."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any, get_origin

from leanrl.errors import ConfigError
from leanrl.rewards.custom.environment_task import EnvironmentTask, pays_for_nothing
from leanrl.rewards.custom.taskset import read_taskset, taskset_of

_OF_A_GROUP = frozenset(("states", "prompts", "completions", "answers", "tasks", "infos"))


def read_environment(environment: Any, *, num_rows: int = -1, answer_field: str = "answer") -> EnvironmentTask:
    """Return the problems and the reward functions of an environment.

    What a function raises ends the run, where verifiers pays 0.

    Args:
        environment: of one turn: with a rubric (verifiers 0.1), or with a taskset, or a taskset itself (0.4).
        num_rows: the first rows; -1 takes all.
        answer_field: the field of a row or of a task's data that holds its gold answer.

    Raises:
        ConfigError: if it takes several turns, or compares the completions of a prompt, or pays for nothing.
    """
    if hasattr(environment, "rubric"):
        return _read_rubric(environment, num_rows=num_rows, answer_field=answer_field)
    taskset = taskset_of(environment)
    if not hasattr(taskset, "load"):
        raise ConfigError(
            f"{type(environment).__name__} has neither the rubric of verifiers 0.1 nor the taskset of 0.4.",
            hint="hand over what `vf.load_environment` or `vf.load_taskset` returns",
        )
    return read_taskset(taskset, num_rows=num_rows, answer_field=answer_field)


def _read_rubric(environment: Any, *, num_rows: int, answer_field: str) -> EnvironmentTask:
    """Return those of an environment of 0.1.

    A function gets the objects of its rubric, such as the parser, and the columns that it names. Functions of weight 0
    are metrics, and are left out.
    """
    name = type(environment).__name__
    turns = getattr(environment, "max_turns", 1)
    if turns != 1:
        said = "any number of" if turns < 1 else str(turns)
        raise ConfigError(f"{name} takes {said} turns; leanrl trains on one.", hint="a vf.SingleTurnEnv")
    paid = [(function, weight, rubric) for function, weight, rubric in _functions(environment.rubric) if weight]
    if not paid:
        raise pays_for_nothing(name, "its rubric")
    compared = [_name(function) for function, _, _ in paid if _compares(function)]
    if compared:
        raise ConfigError(
            f"{name}: {', '.join(compared)} compares completions of one prompt.",
            hint="write it as a group reward: `@group_reward` in docs/rewards.md",
        )
    _require_own_names(name, [_name(function) for function, _, _ in paid])
    return EnvironmentTask(
        rows=[_row(fields, answer_field) for fields in environment.get_dataset(n=num_rows)],
        rewards={_name(function): _bound(function, rubric) for function, _, rubric in paid},
        weights={_name(function): float(weight) for function, weight, _ in paid},
    )


def _functions(rubric: Any) -> Iterator[tuple[Callable[..., Any], float, Any]]:
    """Yield each function with its weight and its rubric, of a rubric or a group of them."""
    for inner in getattr(rubric, "rubrics", ()):
        yield from _functions(inner)
    for function, weight in zip(getattr(rubric, "funcs", ()), getattr(rubric, "weights", ()), strict=True):
        yield function, weight, rubric


def _compares(function: Callable[..., Any]) -> bool:
    """Return whether verifiers calls a function with all completions of a prompt: by its parameters or its lists."""
    returned = inspect.signature(function).return_annotation
    returns_list = returned is list or get_origin(returned) is list or str(returned).startswith("list[")
    return returns_list or not _OF_A_GROUP.isdisjoint(_parameters(function))


def _bound(function: Callable[..., Any], rubric: Any) -> Callable[..., Any]:
    """Return the function with the objects of its rubric in the place of its parameters."""
    parameters = _parameters(function)
    objects = {name: value for name, value in getattr(rubric, "class_objects", {}).items() if name in parameters}

    @wraps(function)
    def called(**values: Any) -> Any:
        return function(**objects, **values)

    left = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        else parameter
        for name, parameter in parameters.items()
        if name not in objects
    ]
    called.__signature__ = inspect.Signature(left)  # type: ignore[attr-defined]
    return called


def _row(fields: Mapping[str, Any], answer_field: str) -> dict[str, Any]:
    """Return a row with the columns that `data.problem_column` and `data.answer_column` name by default."""
    problem = fields.get("prompt") or fields.get("question")
    return {**fields, "problem": problem, "answer": fields.get(answer_field, "")}


def _require_own_names(environment: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"{environment} has several functions named {', '.join(twice)}.", hint="rename one of them")


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(function).parameters


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)
