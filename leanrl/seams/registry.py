"""The plug-ins that a config can name under `algorithm`, and how their names become what a step calls."""

import difflib
import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, get_args

from pydantic import ConfigDict, TypeAdapter, ValidationError

from leanrl.errors import ConfigError, Problem
from leanrl.seams.protocols import Plugin, Seam

Maker = TypeVar("Maker", bound=Callable[..., Any])

SEAMS: tuple[Seam, ...] = get_args(Seam)
# The modules of leanrl's own plug-ins: they register themselves when the registry is first asked.
_SHIPPED = (
    "plugins.entropy_control", "plugins.greso", "plugins.icepop", "plugins.max_rl", "plugins.opo", "plugins.pods",
    "plugins.signal", "plugins.top_entropy", "plugins.until_full",
)  # fmt: skip

_plugins: dict[Seam, dict[str, Callable[..., Any]]] = {seam: {} for seam in SEAMS}
_registrations: list[str] = []


@dataclass(frozen=True)
class Choice:
    """The plug-in that a config names for a seam, with its options as they were given."""

    seam: Seam
    name: str
    options: Mapping[str, Any]


def plugin(seam: Seam, name: str) -> Callable[[Maker], Maker]:
    """Register a function, or a class whose instances are called, as a plug-in of a seam (see `seams.protocols`).

    Its options are keyword-only parameters, of the function or of the class's constructor.

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
        _registrations.append(name)
        return maker

    return register


def num_registrations() -> int:
    """Return how often a plug-in has been registered in this process, a second time under its name counted too."""
    return len(_registrations)


def known_plugins(seam: Seam) -> dict[str, Callable[..., Any]]:
    """Return the plug-ins of a seam by name."""
    _load_shipped()
    return dict(sorted(_plugins[seam].items()))


def option_parameters(maker: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the options of a plug-in: its keyword-only parameters."""
    found = inspect.signature(maker).parameters.values()
    return {parameter.name: parameter for parameter in found if parameter.kind is inspect.Parameter.KEYWORD_ONLY}


def make_plugin(choice: Choice) -> Plugin:
    """Return what the step calls: the function with its options bound, or the object of the class.

    Raises:
        ConfigError: for an unknown name, and with every unknown, missing or unusable option.
    """
    problems = list(find_problems(choice))
    if problems:
        raise ConfigError(f"algorithm.{choice.seam} cannot be used:", problems=problems)
    maker = known_plugins(choice.seam)[choice.name]
    return maker(**choice.options) if inspect.isclass(maker) else partial(maker, **choice.options)


def find_problems(choice: Choice) -> Iterator[Problem]:
    """Yield what is wrong with a choice; nothing where it can be made."""
    where = f"algorithm.{choice.seam}"
    known = known_plugins(choice.seam)
    if choice.name not in known:
        yield Problem(f"{where}.name", f'there is no plug-in "{choice.name}"', _nearest(choice.name, list(known)))
        return
    parameters = option_parameters(known[choice.name])
    for option, value in choice.options.items():
        if option not in parameters:
            what = f"{choice.name} has no such option"
            yield Problem(f"{where}.{option}", what, _nearest(option, list(parameters)) if parameters else "remove it")
        elif complaint := _type_problem(parameters[option].annotation, value):
            yield Problem(f"{where}.{option}", complaint)
    for option, parameter in parameters.items():
        if parameter.default is inspect.Parameter.empty and option not in choice.options:
            yield Problem(f"{where}.{option}", f"{choice.name} needs it and has no default for it", "set it")


def _load_shipped() -> None:
    for module in _SHIPPED:
        importlib.import_module(f"leanrl.seams.{module}")


def _type_problem(annotation: Any, value: object) -> str | None:
    asked = Any if annotation is inspect.Parameter.empty or isinstance(annotation, str) else annotation
    try:
        TypeAdapter(asked, config=ConfigDict(strict=True, allow_inf_nan=False)).validate_python(value)
    except ValidationError as error:
        return f"{value!r}: {'; '.join(detail['msg'].lower() for detail in error.errors())}"
    return None


def _nearest(name: str, known: tuple[str, ...] | list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f'did you mean "{near[0]}"?' if near else f"known: {', '.join(known)}"


def _origin(maker: Callable[..., Any]) -> str:
    return f"{maker.__module__}.{getattr(maker, '__qualname__', type(maker).__qualname__)}"
