"""A formula as markup, by latex2mathml where it is installed: in limited time, or not at all."""

import sys
import time
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from types import FrameType
from typing import Any

from markupsafe import Markup

from leanrl.report.mathematics.markup import UnknownMarkupError, math_markup

# A formula takes under a millisecond; one that takes this long was made to.
MOST_SECONDS = 0.1


class _TooSlowError(Exception):
    """A formula took longer than it may."""


def can_typeset() -> bool:
    """Whether latex2mathml is installed."""
    return find_spec("latex2mathml") is not None


@lru_cache(maxsize=4096)
def typeset(latex: str, *, source: str, is_display: bool) -> Markup | None:
    """Return a formula as MathML; None where it is broken, too slow, or holds what a page may not."""
    from latex2mathml.converter import convert_to_element

    display = "block" if is_display else "inline"
    try:
        element = _within(MOST_SECONDS, lambda: convert_to_element(latex, display=display))
        return math_markup(element, source=source, is_display=is_display)
    except (UnknownMarkupError, _TooSlowError, RecursionError):
        return None
    except Exception:  # the parser raises whatever the text of a policy makes it raise
        return None


def _within(seconds: float, function: Callable[[], Any]) -> Any:
    """Return what a function of pure Python returns, or raise once it has run for so long.

    A profile hook sees every call and ends it in any thread, where a signal needs the main one.
    """
    end = time.perf_counter() + seconds

    def check(_frame: FrameType, _event: str, _argument: Any) -> None:
        if time.perf_counter() > end:
            raise _TooSlowError

    before = sys.getprofile()
    sys.setprofile(check)
    try:
        return function()
    finally:
        sys.setprofile(before)
