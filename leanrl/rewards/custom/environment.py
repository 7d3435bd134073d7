"""Rows and rewards of a single-turn environment of verifiers (0.1), which is not imported here."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from leanrl.errors import ConfigError


@dataclass(frozen=True)
class EnvironmentTask:
    """What `leanrl.pipeline.train` takes: `rows=`, `rewards=`, and the weights for `config.rewards`."""

    rows: list[dict[str, Any]]
    rewards: Mapping[str, Callable[..., Any]]
    weights: Mapping[str, float]


def read_environment(environment: Any, *, num_rows: int = -1) -> EnvironmentTask:
    """Return the problems and the reward functions of an environment.

    A function gets the objects of its rubric, such as the parser, and the columns that it names. Functions of weight 0
    are metrics, and are left out. What a function raises ends the run, where verifiers pays 0.

    Args:
        environment: of one turn, with a rubric.
        num_rows: the first rows; -1 takes all.

    Raises:
        ConfigError: if it takes several turns, or compares the completions of a prompt, or pays for nothing.
    """
    name = type(environment).__name__
    turns = getattr(environment, "max_turns", 1)
    if turns != 1:
        said = "any number of" if turns < 1 else str(turns)
        raise ConfigError(f"{name} takes {said} turns; leanrl trains on one.", hint="a vf.SingleTurnEnv")
    paid = [(function, weight, rubric) for function, weight, rubric in _functions(environment.rubric) if weight]
    if not paid:
        raise ConfigError(f"{name} pays for nothing: its rubric has no function with a weight.")
    compared = [_name(function) for function, _, _ in paid if {"completions", "states"} & set(_parameters(function))]
    if compared:
        raise ConfigError(
            f"{name}: {', '.join(compared)} compares completions of one prompt.",
            hint="write it as a group reward: `@group_reward` in docs/rewards.md",
        )
    _require_own_names(name, [_name(function) for function, _, _ in paid])
    return EnvironmentTask(
        rows=[_row(fields) for fields in environment.get_dataset(n=num_rows)],
        rewards={_name(function): _bound(function, rubric) for function, _, rubric in paid},
        weights={_name(function): float(weight) for function, weight, _ in paid},
    )


def _functions(rubric: Any) -> Iterator[tuple[Callable[..., Any], float, Any]]:
    """Yield each function with its weight and its rubric, of a rubric or a group of them."""
    for inner in getattr(rubric, "rubrics", ()):
        yield from _functions(inner)
    for function, weight in zip(getattr(rubric, "funcs", ()), getattr(rubric, "weights", ()), strict=True):
        yield function, weight, rubric


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


def _row(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with the columns that `data.problem_column` and `data.answer_column` name by default."""
    problem = fields.get("prompt") or fields.get("question")
    return {**fields, "problem": problem, "answer": fields.get("answer", "")}


def _require_own_names(environment: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"{environment} has several functions named {', '.join(twice)}.", hint="rename one of them")


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(function).parameters


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)
