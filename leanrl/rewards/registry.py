"""The rewards that a config can name, and how their names become functions."""

import difflib
import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from leanrl.errors import ConfigError, Problem
from leanrl.rewards.accuracy import accuracy
from leanrl.rewards.cosine import cosine
from leanrl.rewards.custom.calls import call_reward
from leanrl.rewards.custom.foreign import score_completion, score_lists
from leanrl.rewards.custom.history import score_group
from leanrl.rewards.custom.signature import columns_asked, group_option_parameters, kind_of, option_parameters
from leanrl.rewards.group.hapo import hapo
from leanrl.rewards.group.shortest_correct import shortest_correct
from leanrl.rewards.json_object import json_object
from leanrl.rewards.language_consistency import language_consistency
from leanrl.rewards.laser import laser
from leanrl.rewards.one_box import one_box
from leanrl.rewards.overlong import overlong
from leanrl.rewards.paper.accuracy_as_run import accuracy_as_run
from leanrl.rewards.paper.cosine_as_run import cosine_as_run
from leanrl.rewards.paper.format_as_run import format_as_run
from leanrl.rewards.repetition import repetition
from leanrl.rewards.think_answer import think_answer
from leanrl.rewards.weighted import Reward, WeightedBatchReward, WeightedGroupReward, WeightedReward
from leanrl.types import GradeMode, RewardFunction, RewardOptions

Function = TypeVar("Function", bound=Callable[..., Any])
# What a reward is called with: one sample, a prompt's samples, TRL's lists of all, or one completion of verifiers'.
Sees = Literal["sample", "group", "batch", "completion"]


@dataclass(frozen=True)
class _Entry:
    function: Callable[..., Any]
    grade_mode: GradeMode | None
    sees: Sees = "sample"


_ENTRIES: dict[str, _Entry] = {}
_registrations: list[str] = []


def reward(name: str, *, grade: GradeMode | None = None) -> Callable[[Function], Function]:
    """Register a pure function `f(sample, *, option=default, ...) -> float | None` under `name`; None skips.

    A function of TRL's kind, `f(prompts, completions, completion_ids, **columns) -> list`, and one of verifiers',
    `f(completion, answer, **columns) -> float`, are told by the names of their parameters.

    Args:
        name: the key that a config uses under `rewards`.
        grade: how the answer is judged before the call; the verdict is then in `sample.verdict`.

    Raises:
        ConfigError: if another function has that name, or the function takes no sample and asks for a grade.
    """

    def register(function: Function) -> Function:
        sees = kind_of(function)
        if grade is not None and sees != "sample":
            raise ConfigError(
                f"{_origin(function)} takes no sample, so that it would not see the verdict that `grade` asks for.",
                hint=f'`@reward("{name}")` without `grade`, or take one sample: `sample.verdict`, `sample.text`',
            )
        _add(name, _Entry(function, grade, sees))
        return function

    return register


def group_reward(name: str, *, grade: GradeMode | None = None) -> Callable[[Function], Function]:
    """Register a function `f(samples, *, option=default, ...) -> list` of all completions of a prompt.

    It is called after the completions of all ranks are together. Arguments and errors are those of `reward`. A
    keyword-only parameter named `prompt_id`, `ledger` or `state` is no option: it gets what `leanrl.types.GroupFacts`
    says. A function without `state` is pure.
    """

    def register(function: Function) -> Function:
        _add(name, _Entry(function, grade, sees="group"))
        return function

    return register


def num_registrations() -> int:
    """Return how often a reward has been registered in this process, a second time under its name counted too."""
    return len(_registrations)


def is_shipped(name: str) -> bool:
    """Return whether a reward is leanrl's own."""
    return name in _ENTRIES and str(_ENTRIES[name].function.__module__).startswith("leanrl.")


def grades_nothing(names: Iterable[str]) -> bool:
    """Return whether none of these rewards is graded; False where one of them is not registered."""
    return all(name in _ENTRIES and _ENTRIES[name].grade_mode is None for name in names)


def registered_rewards() -> dict[str, tuple[Callable[..., Any], GradeMode | None, Sees]]:
    """Return the function of every reward, how its answer is judged, and what it sees, by name."""
    return {name: (entry.function, entry.grade_mode, entry.sees) for name, entry in _ENTRIES.items()}


def known_rewards() -> dict[str, str]:
    """Return the name of every reward with the first line of its docstring."""
    return {name: _first_line(entry.function) for name, entry in sorted(_ENTRIES.items())}


def resolve_rewards(
    weights: Mapping[str, float],
    options: Mapping[str, RewardOptions],
    extra: Mapping[str, RewardFunction] | None = None,
) -> list[Reward]:
    """Return the named rewards with their options bound, in the order of `weights`.

    Args:
        weights: weight of each reward by name.
        options: options of a reward by its name.
        extra: functions handed over in Python; they go before registered ones of the same name.

    Raises:
        ConfigError: with every unknown name, unknown option and unusable value there is.
    """
    entries = _ENTRIES | {name: _as_entry(function) for name, function in (extra or {}).items()}
    problems = list(_problems(weights, options, entries))
    if problems:
        raise ConfigError("The rewards cannot be used:", problems=problems)
    return [_weighted(name, weight, entries[name], options.get(name, {})) for name, weight in weights.items()]


def _as_entry(function: RewardFunction) -> _Entry:
    """Return the entry under which a function was registered, whatever its name; else one without grading."""
    registered = (entry for entry in _ENTRIES.values() if entry.function is function)
    return next(registered, None) or _Entry(function, None, kind_of(function))


def _add(name: str, entry: _Entry) -> None:
    taken = _ENTRIES.get(name)
    if taken is not None and _origin(taken.function) != _origin(entry.function):
        raise ConfigError(
            f'A reward named "{name}" exists already: {_origin(taken.function)}.',
            hint=f'choose another name in @reward("...") of {_origin(entry.function)}',
        )
    _ENTRIES[name] = entry
    _registrations.append(name)


def _weighted(name: str, weight: float, entry: _Entry, options: RewardOptions) -> Reward:
    function = entry.function
    if entry.sees == "batch":
        return WeightedBatchReward(name, weight, partial(score_lists, function, name, options), columns_asked(function))
    if entry.sees == "completion":
        score = partial(score_completion, function, name, options)
        return WeightedReward(name, weight, None, score, columns_asked(function))
    if entry.sees == "group":
        return WeightedGroupReward(name, weight, entry.grade_mode, partial(score_group, function, name, options))
    bound = partial(function, **options)
    return WeightedReward(name, weight, entry.grade_mode, partial(call_reward, bound, name=name))


def _problems(
    weights: Mapping[str, float], options: Mapping[str, RewardOptions], entries: Mapping[str, _Entry]
) -> Iterator[Problem]:
    if not weights:
        yield Problem("rewards", "no reward is named, so there is nothing to learn", "for example: accuracy: 1.0")
    for name, weight in weights.items():
        if name not in entries:
            yield Problem(f"rewards.{name}", "no such reward", _did_you_mean(name, entries))
        elif not math.isfinite(weight):
            yield Problem(f"rewards.{name}", f"the weight is {weight}", "give a finite number")
    for name in options:
        if name not in weights:
            hint = f"add rewards.{name} with a weight, or remove the options"
            yield Problem(f"reward_options.{name}", "options for a reward that is not used", hint)
    for name in weights.keys() & entries.keys():
        yield from _option_problems(name, entries[name], options.get(name, {}))


def _option_problems(name: str, entry: _Entry, options: RewardOptions) -> Iterator[Problem]:
    function = entry.function
    if entry.sees == "group" and kind_of(function) == "batch":
        mixed = f"{_origin(function)} is registered with @group_reward and takes TRL's lists"
        yield Problem(f"rewards.{name}", mixed, f'register it with @reward("{name}"), or take one list of samples')
        return
    parameters = group_option_parameters(function) if entry.sees == "group" else option_parameters(function)
    annotations = _annotations(function) if entry.sees in ("sample", "group") else {}
    for option, value in options.items():
        where = f"reward_options.{name}.{option}"
        if option not in parameters:
            known = f"options of {name}: {', '.join(parameters)}" if parameters else f"{name} has no options"
            yield Problem(where, "no such option", known)
        elif what := _type_problem(annotations.get(option, Any), value):
            yield Problem(where, what)
    for option, parameter in parameters.items():
        if parameter.default is inspect.Parameter.empty and option not in options:
            yield Problem(f"reward_options.{name}.{option}", "has no default and is not given", "set it")


def _annotations(function: RewardFunction) -> dict[str, Any]:
    return get_type_hints(function if inspect.isroutine(function) else type(function).__call__, include_extras=True)


def _type_problem(annotation: Any, value: object) -> str | None:
    try:
        TypeAdapter(annotation, config=ConfigDict(strict=True, allow_inf_nan=False)).validate_python(value)
    except ValidationError as error:
        complaints = "; ".join(detail["msg"].lower() for detail in error.errors())
        return f"{value!r}: {complaints}"
    return None


def _did_you_mean(name: str, entries: Mapping[str, _Entry]) -> str:
    near = difflib.get_close_matches(name, entries, n=1)
    return f'did you mean "{near[0]}"?' if near else f"known rewards: {', '.join(sorted(entries))}"


def _origin(function: RewardFunction) -> str:
    return f"{function.__module__}.{getattr(function, '__qualname__', type(function).__qualname__)}"


def _first_line(function: RewardFunction) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0]


reward("accuracy", grade="strict")(accuracy)
reward("accuracy_as_run", grade="as_run")(accuracy_as_run)
reward("cosine", grade="strict")(cosine)
reward("cosine_as_run", grade="as_run")(cosine_as_run)
reward("format_as_run")(format_as_run)
group_reward("hapo", grade="strict")(hapo)
reward("json_object")(json_object)
reward("language_consistency")(language_consistency)
reward("laser", grade="strict")(laser)
reward("one_box")(one_box)
reward("overlong")(overlong)
reward("repetition")(repetition)
group_reward("shortest_correct", grade="strict")(shortest_correct)
reward("think_answer")(think_answer)
