"""Formulas as markup, by latex2mathml where it is installed: each in limited time, or not at all."""

import sys
import time
from collections.abc import Callable
from functools import cache, lru_cache
from importlib.util import find_spec
from types import FrameType
from typing import Any

from markupsafe import Markup

from leanrl.report.mathematics.markup import math_markup

# CPU seconds. A formula takes less than a millisecond; one that takes so long was made to.
_MOST_SECONDS, _MOST_SLOW = 0.2, 20


class _TooSlowError(Exception):
    """A formula took longer than it may."""


def can_typeset() -> bool:
    """Whether latex2mathml is installed."""
    return find_spec("latex2mathml") is not None


class Typesetter:
    """Typesets the formulas of one page; after 20 that are too slow it tries no more."""

    def __init__(self, *, most_seconds: float = _MOST_SECONDS) -> None:
        self._most_seconds = most_seconds
        self._num_slow = 0

    def typeset(self, latex: str, *, source: str, is_display: bool) -> Markup | None:
        """Return a formula as MathML; None where it is broken, too slow, or holds what a page may not.

        Args:
            source: the formula as it was written, with its signs.
        """
        if self._num_slow >= _MOST_SLOW:
            return None
        try:
            return _typeset(latex, source, is_display, self._most_seconds)
        except _TooSlowError:
            self._num_slow += 1
            return None


@lru_cache(maxsize=2**17)  # all formulas of a full page: a live view writes it again and again
def _typeset(latex: str, source: str, is_display: bool, most_seconds: float) -> Markup | None:
    convert, display = _converter(), "block" if is_display else "inline"
    try:
        element = _within(most_seconds, lambda: convert(latex, display=display))
        return math_markup(element, source=source, is_display=is_display)
    except _TooSlowError:
        raise
    except Exception:  # the parser raises whatever the text of a policy makes it raise
        return None


@cache
def _converter() -> Callable[..., Any]:
    """Return what converts, once it has read its table of symbols: that takes longer than a formula may."""
    from latex2mathml.converter import convert_to_element

    convert: Callable[..., Any] = convert_to_element
    convert(r"\pi")
    return convert


def _within(seconds: float, function: Callable[[], Any]) -> Any:
    """Return what a function of pure Python returns, or raise once it has taken so many CPU seconds.

    A profile hook sees every call and ends it in any thread; a signal would need the main one.
    """
    end = time.thread_time() + seconds

    def check(_frame: FrameType, _event: str, _argument: Any) -> None:
        if time.thread_time() > end:
            raise _TooSlowError

    before = sys.getprofile()
    sys.setprofile(check)
    try:
        return function()
    finally:
        sys.setprofile(before)
