"""Quantities as a person reads them: shares, bytes, counts; a dash where there is none."""

from typing import Any

from leanrl.report.progress import duration

NONE = "–"
_GIB = 2**30
_MIB = 2**20


def share_text(value: Any) -> str:
    """Return a fraction as whole per cent, with one decimal under 10 %."""
    if not _is_number(value):
        return NONE
    per_cent = 100 * value
    return f"{per_cent:.1f} %" if 0 < abs(per_cent) < 9.95 else f"{per_cent:.0f} %"


def bytes_text(value: Any) -> str:
    if not _is_number(value):
        return NONE
    return f"{value / _GIB:.2f} GiB" if value >= _GIB else f"{value / _MIB:.0f} MiB"


def seconds_text(value: Any) -> str:
    """Return seconds as 4.2 s, 3m05s or 2h07m."""
    if not _is_number(value):
        return NONE
    return f"{value:.1f} s" if value < 60 else duration(value)


def count_text(value: Any) -> str:
    return f"{value:,.0f}" if _is_number(value) else NONE


def number_text(value: Any) -> str:
    return f"{value:.4g}" if _is_number(value) else NONE


def _is_number(value: Any) -> bool:
    """Whether it is a finite number; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")
