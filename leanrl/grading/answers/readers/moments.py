"""Times of day and dates."""

import re

from leanrl.grading.answers.nodes import Answer, Read
from leanrl.grading.answers.readers.words import spell
from leanrl.grading.tables import moments

_TIME = re.compile(moments.TIME, re.IGNORECASE)
_ISO = re.compile(moments.ISO_DATE)
_SLASHED = re.compile(moments.SLASHED_DATE)
_IN_WORDS = tuple(map(re.compile, moments.DATES_IN_WORDS))
_HALF_DAY = 12 * 3600


def read_time(latex: str, read: Read) -> Answer | None:
    """Return a time of day: 9:15, 15:30:00, 3 p.m.; 6:60 and 3:4 are none."""
    match = _TIME.fullmatch(latex)
    if match is None or not (match["minute"] or match["half"]):
        return None
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    half = (match["half"] or "").lower()
    if minute > 59 or second > 59 or hour > 24 or (half and not 0 < hour < 13):
        return None
    hour = hour % 12 + 12 * (half == "p") if half else hour
    return Answer(latex, "time", (), (str(hour * 3600 + minute * 60 + second), half))


def read_date(latex: str, read: Read) -> Answer | None:
    """Return a date: 2024-01-31, 1/31/2024, January 31, 2024; the month of 1/2/2024 comes first."""
    words = " ".join(token for token in spell(latex) if token != ",")
    for pattern, text in ((_ISO, latex), *((pattern, words) for pattern in _IN_WORDS)):
        match = pattern.fullmatch(text)
        if match is not None:
            month = match["month"]
            number = int(month) if month.isdigit() else 1 + [name[:3] for name in moments.MONTHS].index(month[:3])
            return _date(latex, match["year"] or "", number, int(match["day"]))
    slashed = _SLASHED.fullmatch(latex)
    if slashed is None:
        return None
    one, other = int(slashed["one"]), int(slashed["other"])
    return _date(latex, slashed["year"], *((other, one) if one > 12 else (one, other)))


def same_moment(gold: Answer, answer: Answer) -> bool:
    """Return whether two times or dates are one; a.m., p.m. and the year may be left to the question.

    Neither is a ratio, a quotient or a difference: 12:30 is not 2:5, whatever the gold answer was meant to be.
    """
    if gold.kind != answer.kind:
        return False
    if gold.kind == "date":
        return gold.marks[1:] == answer.marks[1:] and gold.marks[0] in ("", answer.marks[0])
    (seconds, half), (other_seconds, other_half) = gold.marks, answer.marks
    plain, marked = int(other_seconds if half else seconds), int(seconds if half else other_seconds)
    is_on_the_dial = bool(half) != bool(other_half) and plain < 13 * 3600 and (plain - marked) % _HALF_DAY == 0
    return is_on_the_dial or plain == marked


def _date(latex: str, year: str, month: int, day: int) -> Answer | None:
    return Answer(latex, "date", (), (year, str(month), str(day))) if 0 < month < 13 and 0 < day < 32 else None
