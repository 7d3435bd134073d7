"""Rows and rewards of a taskset of verifiers (0.4, `verifiers.v1`), which is not imported here."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from itertools import islice
from typing import Any

from leanrl.errors import ConfigError, Problem
from leanrl.rewards.custom.environment_task import EnvironmentTask, pays_for_nothing
from leanrl.rewards.custom.reply_trace import ReplyTrace, text_of

_COLUMN = "verifiers_task"  # the place of a row's task in its taskset
_OFFERED = ("task", "trace")
_ONE_SEAT, _ONE_REPLY = "SingleAgentEnv", "null"  # the environment and the harness that ask a model once


def taskset_of(environment: Any) -> Any:
    """Return the taskset of an environment that asks one model once; a taskset stands for itself.

    Raises:
        ConfigError: if several agents play, or a harness gives the model several turns.
    """
    if not hasattr(environment, "taskset"):
        return environment
    name = type(environment).__name__
    if name != _ONE_SEAT:
        raise ConfigError(
            f"{name} plays its tasks by a `run` of its own; leanrl trains on one reply of one model.",
            hint="a vf.SingleAgentEnv, or `environment.taskset` where its tasks are of one reply",
        )
    harnesses = [config.id for config in environment.config.agent_harnesses().values()]
    if harnesses != [_ONE_REPLY]:
        raise ConfigError(
            f"{name} plays by the harness {', '.join(harnesses)}, which takes several turns; leanrl trains on one.",
            hint="choose the harness null, or hand over `environment.taskset`",
        )
    return environment.taskset


def read_taskset(taskset: Any, *, num_rows: int, answer_field: str) -> EnvironmentTask:
    """Return the problems and the reward functions of a taskset.

    A function gets the task's data and a trace that holds the prompt and one reply (see `ReplyTrace`). Where it
    returns several scores, they are added up, as verifiers does. Metrics and weights of 0 are left out.

    Raises:
        ConfigError: if the tasks need more than one reply, have no answer, or pay for nothing; all reasons at once.
    """
    name = type(taskset).__name__
    if num_rows < 0 and not getattr(taskset, "bounded", True):
        raise ConfigError(f"{name} makes tasks without an end.", hint="read_environment(..., num_rows=1000)")
    tasks = list(taskset if num_rows < 0 else islice(taskset, num_rows))
    if not tasks:
        raise ConfigError(f"{name} holds no tasks.")
    paid = {hook.__name__: hook for hook in tasks[0].hooks("reward") if _weight(hook)}
    problems = [*_needs_of(taskset, tasks[0], paid), *_faults_of_rows(tasks, answer_field)]
    if problems:
        raise ConfigError(f"{name} cannot be trained on by one reply a task.", problems=problems)
    if not paid:
        raise pays_for_nothing(name, type(tasks[0]).__name__)
    return EnvironmentTask(
        rows=[_row(task, place, answer_field) for place, task in enumerate(tasks)],
        rewards={each: _reward(hook, tasks) for each, hook in paid.items()},
        weights={each: _weight(hook) for each, hook in paid.items()},
    )


def _reward(first: Callable[..., Any], tasks: Sequence[Any]) -> Callable[..., Any]:
    """Return a reward of verifiers' 0.1 kind that asks the hook of the row's own task."""

    @wraps(first)  # errors name the line of the hook
    async def paid(*, completion: Any, **columns: Any) -> Any:
        task = tasks[columns[_COLUMN]]
        hook = next(each for each in task.hooks("reward") if each.__name__ == first.__name__)
        offered = {"task": task.data, "trace": ReplyTrace(task.data, completion)}
        score = hook(**{name: offered[name] for name in _parameters(hook) if name in offered})
        score = await score if inspect.isawaitable(score) else score
        return sum(score.values()) if isinstance(score, Mapping) else score

    parameters = [inspect.Parameter(each, inspect.Parameter.KEYWORD_ONLY) for each in ("completion", _COLUMN)]
    paid.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return paid


def _needs_of(taskset: Any, task: Any, paid: Mapping[str, Callable[..., Any]]) -> Iterator[Problem]:
    """Yield what the tasks need beside a prompt and a reply."""
    kind = type(task).__name__
    for owner in (taskset, task):
        if type(owner).toolsets(owner.config):
            yield Problem(type(owner).__name__, "gives the model tools, and so several turns")
    if getattr(task, "NEEDS_CONTAINER", False):
        yield Problem(kind, "runs in a container")
    for prepares in ("setup", "finalize", "stage_verifier"):
        if _is_own(task, prepares):
            yield Problem(f"{kind}.{prepares}", "prepares or reads a runtime, of which leanrl has none")
    if any(
        callable(value) and hasattr(value, "intercept") for each in type(task).__mro__ for value in vars(each).values()
    ):
        yield Problem(kind, "changes requests or replies by `@vf.intercept`")
    if getattr(task.config, "judges", ()):
        yield Problem(f"{kind}.config.judges", "asks other models for the reward", hint="leave the judges out")
    for name, hook in paid.items():
        others = [each for each, found in _parameters(hook).items() if each not in _OFFERED and _is_required(found)]
        if others:
            yield Problem(f"{kind}.{name}", f"takes {' and '.join(others)}, which leanrl does not have")


def _faults_of_rows(tasks: Sequence[Any], answer_field: str) -> list[Problem]:
    """Return what single tasks lack, each fault once with the tasks that have it."""
    found: dict[Problem, list[int]] = {}
    for place, task in enumerate(tasks):
        for problem in _faults_of(task.data, answer_field):
            found.setdefault(problem, []).append(place)
    return [
        Problem(f"task {places[0]}" + (f" and {len(places) - 1} more" if places[1:] else ""), fault.what, fault.hint)
        for fault, places in found.items()
    ]


def _faults_of(data: Any, answer_field: str) -> Iterator[Problem]:
    if data.prompt is None:
        yield Problem("", "has no prompt: a user opens the conversation, which takes several turns")
    elif not isinstance(data.prompt, str) and any(text_of(turn) is None for turn in data.prompt):
        yield Problem("", "has a prompt with images or tool calls; leanrl asks by text")
    if getattr(data, "image", None):
        yield Problem("", "runs in a container")
    if not hasattr(data, answer_field):
        yield Problem("", f"has no {answer_field!r}, the gold answer", 'read_environment(..., answer_field="FIELD")')


def _row(task: Any, place: int, answer_field: str) -> dict[str, Any]:
    """Return a row with the columns that `data.problem_column` and `data.answer_column` name by default."""
    data = task.data
    turns = (
        [("user", data.prompt)]
        if isinstance(data.prompt, str)
        else [(each.role, text_of(each)) for each in data.prompt]
    )
    system = [] if getattr(data, "system_prompt", None) is None else [("system", data.system_prompt)]
    conversation = [{"role": role, "content": text} for role, text in [*system, *turns]]
    return {"problem": conversation, "answer": getattr(data, answer_field), _COLUMN: place}


def _is_own(task: Any, method: str) -> bool:
    """Return whether a task's class gives a method a body of its own; that of the base class does nothing."""
    return sum(method in vars(each) for each in type(task).__mro__) > 1


def _weight(hook: Callable[..., Any]) -> float:
    return float(getattr(hook, "_vf_weight", 1.0))


def _is_required(parameter: inspect.Parameter) -> bool:
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return parameter.default is inspect.Parameter.empty and parameter.kind not in several


def _parameters(hook: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(hook).parameters
