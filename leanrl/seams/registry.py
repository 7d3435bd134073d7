"""The plug-ins that a config can name under `algorithm`, and how their names become what a step calls."""

import difflib
import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, get_args

from leanrl.config.options import name_hint, option_key, option_problem
from leanrl.config.schema import RunConfig
from leanrl.config.sections.algorithm import Choice, Seam
from leanrl.errors import ConfigError, Problem
from leanrl.seams.protocols import Plugin

Maker = TypeVar("Maker", bound=Callable[..., Any])
NeedsGrades = bool | Callable[[Mapping[str, Any]], bool]

SEAMS: tuple[Seam, ...] = get_args(Seam)
# The modules of leanrl's own plug-ins: they register themselves when the registry is first asked.
_SHIPPED = (
    "corrections", "entropy_control", "greso", "group", "icepop", "max_rl", "mix", "opo", "pods", "signal",
    "top_entropy", "until_full",
)  # fmt: skip

_plugins: dict[Seam, dict[str, Callable[..., Any]]] = {seam: {} for seam in SEAMS}
_conditions: dict[tuple[Seam, str], "_Conditions"] = {}
_registrations: list[str] = []


@dataclass(frozen=True)
class _Conditions:
    """What a plug-in asks of the rest of a config."""

    needs_grades: NeedsGrades = False
    is_for_one_update: bool = False


def plugin(
    seam: Seam, name: str, *, needs_grades: NeedsGrades = False, is_for_one_update: bool = False
) -> Callable[[Maker], Maker]:
    """Register a function, or a class whose instances are called, as a plug-in of a seam (see `seams.protocols`).

    Its options are keyword-only parameters, of the function or of the class's constructor.

    Args:
        needs_grades: it looks at how many completions are right, so that a run needs a reward with a grade mode; a
            function of its options says so where it depends on them.
        is_for_one_update: it is derived for one optimizer step for each rollout; other runs get a warning.

    Raises:
        ConfigError: if there is no such seam, or another plug-in of the seam has that name.
    """
    if seam not in SEAMS:
        raise ConfigError(f'@plugin("{seam}", "{name}"): there is no such seam.', hint=_nearest(seam, SEAMS))

    def register(maker: Maker) -> Maker:
        taken = _plugins[seam].get(name)
        if taken is not None and _origin(taken) != _origin(maker):
            raise ConfigError(
                f'A plug-in "{name}" of {seam} exists already: {_origin(taken)}.',
                hint=f"choose another name for {_origin(maker)}",
            )
        _plugins[seam][name] = maker
        _conditions[seam, name] = _Conditions(needs_grades, is_for_one_update)
        _registrations.append(name)
        return maker

    return register


def num_registrations() -> int:
    """Return how often a plug-in has been registered in this process, a second time under its name counted too."""
    _load_shipped()  # later they would count as those of a user's file
    return len(_registrations)


def known_plugins(seam: Seam) -> dict[str, Callable[..., Any]]:
    """Return the plug-ins of a seam by name."""
    _load_shipped()
    return dict(sorted(_plugins[seam].items()))


def option_parameters(maker: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the options of a plug-in: its keyword-only parameters, with `Any` for what has no type."""
    function: Any = maker.__init__ if inspect.isclass(maker) else maker
    found = inspect.signature(maker).parameters.values()
    return {
        parameter.name: parameter.replace(annotation=_evaluated(parameter.annotation, function))
        for parameter in found
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }


def _evaluated(annotation: Any, function: Any) -> Any:
    """Return the type that an annotation stands for, which is text in a file with postponed annotations."""
    if annotation is inspect.Parameter.empty:
        return Any
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, getattr(inspect.unwrap(function), "__globals__", {}))
    except Exception:  # a name that is imported for type checkers alone
        return Any


def options_of(choice: Choice | None) -> dict[str, Any]:
    """Return every option of a choice with its value: the given one, or the default; {} where nothing is chosen."""
    if choice is None or choice.name not in known_plugins(choice.seam):
        return {}
    parameters = option_parameters(known_plugins(choice.seam)[choice.name])
    values = {name: choice.options.get(name, parameter.default) for name, parameter in parameters.items()}
    return {name: value for name, value in values.items() if value is not inspect.Parameter.empty}


def make_plugin(choice: Choice) -> Plugin:
    """Return what the step calls: the function with its options bound, or the object of the class.

    Raises:
        ConfigError: for an unknown name, and with every unknown, missing or unusable option.
    """
    problems = list(find_problems(choice))
    if problems:
        raise ConfigError(f"algorithm.{choice.seam} cannot be used:", problems=problems)
    maker = known_plugins(choice.seam)[choice.name]
    called: Plugin = partial(maker, **choice.options)
    return called() if inspect.isclass(maker) else called


def made(choice: Choice | None) -> Plugin | None:
    """Return the plug-in of a choice; None where a config names none."""
    return None if choice is None else make_plugin(choice)


def choice_problems(config: RunConfig) -> list[Problem]:
    """Return what is wrong with the plug-ins that a config names, of all seams."""
    choices = filter(None, map(config.algorithm.choice, SEAMS))
    return [problem for choice in choices for problem in find_problems(choice)]


def ungraded_problems(config: RunConfig) -> list[Problem]:
    """Return a problem for each plug-in that looks at grades; for a config whose rewards grade nothing."""
    return [
        Problem(
            f"algorithm.{choice.seam}",
            f"{choice.name} looks at how many completions are right, and no reward grades them: none would ever be",
            "`-s rewards.accuracy=1`, or another plug-in",
        )
        for choice, conditions in _chosen(config)
        if _holds(conditions.needs_grades, options_of(choice))
    ]


def column_of_plugins(config: RunConfig) -> dict[Seam, str]:
    """Return the column of the data that each plug-in reads, by its seam: its option named `column`."""
    read = {choice.seam: options_of(choice).get("column") for choice, _ in _chosen(config)}
    return {seam: column for seam, column in read.items() if isinstance(column, str)}


def condition_warnings(config: RunConfig) -> list[str]:
    """Return a line for each plug-in that is derived for one update a rollout, in a config that takes several."""
    if config.steps_per_rollout == 1:
        return []
    return [
        f"algorithm.{choice.seam}: {choice.name} is derived for one update for each rollout, and this run takes "
        f"{config.steps_per_rollout}: later ones see other policies than the one that sampled"
        for choice, conditions in _chosen(config)
        if conditions.is_for_one_update
    ]


def _chosen(config: RunConfig) -> Iterator[tuple[Choice, _Conditions]]:
    for seam in SEAMS:
        choice = config.algorithm.choice(seam)
        if choice is not None and choice.name in known_plugins(seam):
            yield choice, _conditions[seam, choice.name]


def _holds(condition: NeedsGrades, options: Mapping[str, Any]) -> bool:
    return condition(options) if callable(condition) else condition


def find_problems(choice: Choice) -> Iterator[Problem]:
    """Yield what is wrong with a choice; nothing where it can be made."""
    where = f"algorithm.{choice.seam}"
    known = known_plugins(choice.seam)
    if choice.name not in known:
        hint = name_hint(f"{where}.name", choice.name, list(known))
        yield Problem(f"{where}.name", f'there is no plug-in "{choice.name}"', hint)
        return
    maker = known[choice.name]
    problems = list(_option_problems(choice, option_parameters(maker)))
    yield from problems or _refusals(choice, maker)


def _option_problems(choice: Choice, parameters: Mapping[str, inspect.Parameter]) -> Iterator[Problem]:
    where = f"algorithm.{choice.seam}"
    for option, value in choice.options.items():
        if option not in parameters:
            hint = _nearest(option, list(parameters)) if parameters else "remove it"
            yield Problem(f"{where}.{option}", f"{choice.name} has no such option", hint)
        elif problem := option_problem(f"{where}.{option}", parameters[option].annotation, value):
            yield problem
    for option, parameter in parameters.items():
        if parameter.default is inspect.Parameter.empty and option not in choice.options:
            hint = f"`-s {where}.{option}=...`, {option_key(option, parameter.annotation, None).takes}"
            yield Problem(f"{where}.{option}", f"{choice.name} needs it and has no default for it", hint)


def _refusals(choice: Choice, maker: Callable[..., Any]) -> Iterator[Problem]:
    """A class may refuse options that are right each by itself."""
    if inspect.isclass(maker):
        try:
            maker(**choice.options)
        except (ValueError, TypeError) as error:
            given = ", ".join(f"algorithm.{choice.seam}.{option}" for option in ("name", *choice.options))
            yield Problem(given, f"{choice.name} refuses its options: {error}")


def _load_shipped() -> None:
    for module in _SHIPPED:
        importlib.import_module(f"leanrl.seams.plugins.{module}")


def _nearest(name: str, known: tuple[str, ...] | list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f'did you mean "{near[0]}"?' if near else f"known: {', '.join(known)}"


def _origin(maker: Callable[..., Any]) -> str:
    return f"{maker.__module__}.{getattr(maker, '__qualname__', type(maker).__qualname__)}"
