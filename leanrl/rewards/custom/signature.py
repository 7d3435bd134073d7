"""What a reward function of a user's own takes: a sample, TRL's lists, or one completion as verifiers hands it over."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Literal

from leanrl.types import GroupFacts, Sample

Kind = Literal["sample", "batch", "completion"]
Function = Callable[..., Any]

# trl 1.16, grpo_trainer.py, _calculate_rewards: what every reward function is called with, by name.
LISTS_OF_TRL = ("prompts", "completions", "completion_ids")
OFFERS_OF_TRL = ("trainer_state", "log_extra", "log_metric")
# verifiers 0.1, rubrics/rubric.py: what a reward function of one rollout may ask for, by name.
OF_VERIFIERS = ("prompt", "completion", "answer", "state", "task", "info")

# What a group reward may ask for, by keyword-only parameters of these names.
_FACTS = tuple(field.name for field in fields(GroupFacts))

_SEVERAL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_EMPTY = inspect.Parameter.empty


def kind_of(function: Function) -> Kind:
    """Return what a function takes, told by the names of its parameters.

    sample: a `leanrl.types.Sample`, whatever the name of the parameter.
    batch: TRL's lists, of which it names at least one; or keywords and nothing else.
    completion: `completion`, with other words of verifiers' beside it.
    """
    parameters = parameters_of(function)
    asked = [name for name, parameter in parameters.items() if parameter.default is _EMPTY]
    if not parameters:
        return "batch" if takes_keywords(function) else "sample"
    if set(asked) & set(LISTS_OF_TRL):
        return "batch"
    if "completion" in asked and parameters["completion"].annotation not in (Sample, Sample.__name__):
        return "completion"
    return "sample"


def parameters_of(function: Function) -> dict[str, inspect.Parameter]:
    """Return the parameters by name, without `*arguments` and `**keywords`."""
    found = inspect.signature(function).parameters
    return {name: parameter for name, parameter in found.items() if parameter.kind not in _SEVERAL}


def takes_keywords(function: Function) -> bool:
    """Return whether a function takes `**keywords`."""
    found = inspect.signature(function).parameters.values()
    return any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in found)


def option_parameters(function: Function) -> dict[str, inspect.Parameter]:
    """Return the parameters that `reward_options` may set, by name.

    Those after the sample; of the other kinds those with a default that nobody else gives a value.
    """
    parameters = parameters_of(function)
    if kind_of(function) == "sample":
        return dict(list(parameters.items())[1:])
    given = (*LISTS_OF_TRL, *OFFERS_OF_TRL, *OF_VERIFIERS)
    return {name: found for name, found in parameters.items() if found.default is not _EMPTY and name not in given}


def group_option_parameters(function: Function) -> dict[str, inspect.Parameter]:
    """Return the same for a group reward: without the facts that it asks for."""
    facts = facts_asked(function)
    return {name: found for name, found in option_parameters(function).items() if name not in facts}


def facts_asked(function: Function) -> tuple[str, ...]:
    """Return the names of the facts that a group reward asks for (see `leanrl.types.GroupFacts`)."""
    parameters = parameters_of(function)
    return tuple(
        name for name in _FACTS if name in parameters and parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
    )


def required_columns(function: Function) -> tuple[str, ...]:
    """Return the names of the dataset's columns that a function cannot do without."""
    kind = kind_of(function)
    given = {"sample": (), "batch": (*LISTS_OF_TRL, *OFFERS_OF_TRL), "completion": OF_VERIFIERS}[kind]
    parameters = {} if kind == "sample" else parameters_of(function)
    return tuple(name for name, found in parameters.items() if found.default is _EMPTY and name not in given)


def columns_asked(function: Function) -> frozenset[str] | None:
    """Return the names of the columns that a function may read; None stands for all, where it takes keywords."""
    if kind_of(function) == "sample":
        return frozenset()
    return None if takes_keywords(function) else frozenset(parameters_of(function))


def accepted(function: Function, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those values that a function takes by their names."""
    if takes_keywords(function):
        return dict(values)
    names = parameters_of(function)
    return {name: value for name, value in values.items() if name in names}
