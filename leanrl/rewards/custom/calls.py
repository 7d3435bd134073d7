"""A reward function called on completions: what it raises is named, and what it returns becomes numbers."""

import math
import numbers
import traceback
from collections.abc import Callable, Mapping, Sequence, Set
from functools import partial
from inspect import unwrap
from typing import Any

from leanrl.errors import LeanRLError, RewardError
from leanrl.types import Sample

_SHOWN_CHARS = 200
_GREATEST = 1.0e15  # sums of the squares of a group, in float32, which ends at 3.4e38
_WITHOUT_ORDER = (str, bytes, Set, Mapping)  # they can be read one by one, and hold no number for each completion


def call_reward(function: Callable[[Sample], Any], sample: Sample, *, name: str) -> float | None:
    """Return the reward of one completion; None where the function returns None, and so skips it.

    Raises:
        RewardError: if the function raises, or returns neither a finite number nor None; it names the completion and
            the line.
    """
    return _number(_called(function, sample, name=name, first=sample), name, sample, function)


def call_group_reward(
    function: Callable[[Sequence[Sample]], Any], samples: Sequence[Sample], *, name: str
) -> list[float | None]:
    """Return the rewards of several completions; errors are those of `call_reward`."""
    values = _called(function, samples, name=name, first=samples[0])
    try:
        listed = None if isinstance(values, _WITHOUT_ORDER) else list(values)
    except TypeError:
        listed = None
    if listed is None or len(listed) != len(samples):
        found = repr(values)[:_SHOWN_CHARS] if listed is None else f"{len(listed)} numbers"
        raise RewardError(
            f'Reward "{name}" returned {found} for {len(samples)} completions, not a number for each.',
            hint=f"correct {defined_at(function)}",
        )
    return [_number(value, name, sample, function) for value, sample in zip(listed, samples, strict=True)]


def _called(function: Callable[[Any], Any], argument: Any, *, name: str, first: Sample) -> Any:
    try:
        return function(argument)
    except LeanRLError:
        raise
    except Exception as error:
        place = raised_at(error, function)
        raise RewardError(
            f'Reward "{name}" raised {type(error).__name__}: {error}\n  at {place}\n  for {_shown(first)}',
            hint=f"correct {place}",
        ) from error


def _number(value: Any, name: str, sample: Sample, function: Callable[[Any], Any]) -> float | None:
    """Return a finite number or None; one out of numpy or torch counts as the number that it holds."""
    if value is None:
        return None
    held = value.item() if getattr(value, "shape", None) == () and hasattr(value, "item") else value
    try:
        number = float(held) if isinstance(held, numbers.Real) else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise RewardError(
            f'Reward "{name}" returned {value!r:.{_SHOWN_CHARS}}, not a finite number,\n  for {_shown(sample)}',
            hint=f"correct {defined_at(function)}; None skips a completion",
        )
    if abs(number) > _GREATEST:
        raise RewardError(
            f'Reward "{name}" returned {value!r:.{_SHOWN_CHARS}}, and advantages take at most {_GREATEST:g},\n'
            f"  for {_shown(sample)}",
            hint=f"correct {defined_at(function)}: a reward of 1 says as much",
        )
    return number


def _shown(sample: Sample) -> str:
    shortened = repr(sample.text[:_SHOWN_CHARS]) + ("..." if len(sample.text) > _SHOWN_CHARS else "")
    return f"the completion {shortened} of the problem {sample.problem[:_SHOWN_CHARS]!r}"


def raised_at(error: Exception, function: Callable[..., Any]) -> str:
    """Return file and line of the deepest frame in the function's own file, or of the deepest of all."""
    frames = traceback.extract_tb(error.__traceback__)
    own = _code_of(function)
    inside = [frame for frame in frames if own is not None and frame.filename == own.co_filename]
    frame = (inside or frames)[-1]
    return f"{frame.filename}:{frame.lineno}, in {frame.name}"


def defined_at(function: Callable[..., Any]) -> str:
    """Return file and line of a function, or of the call of an object."""
    code = _code_of(function)
    return repr(function) if code is None else f"{code.co_filename}:{code.co_firstlineno}, in {code.co_name}"


def _code_of(function: Any) -> Any:
    bare = unwrap(function)
    while isinstance(bare, partial):
        bare = unwrap(bare.func)
    return getattr(bare if hasattr(bare, "__code__") else type(bare).__call__, "__code__", None)
