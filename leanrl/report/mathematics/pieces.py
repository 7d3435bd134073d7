"""A text cut into what stays text and what is a formula, each formula typeset while there is room on the page."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from leanrl.report.mathematics.formulas import Formula, find_formulas
from leanrl.report.mathematics.typesetting import Typesetter

NOWHERE = (0, 0)


@dataclass(frozen=True)
class Piece:
    """A part of a text: escaped where it is written, unless it is markup; `is_graded` is the box that was graded."""

    shown: str | Markup
    is_graded: bool = False


def plain_pieces(text: str, *, graded: tuple[int, int] = NOWHERE) -> list[Piece]:
    """Return a text as it was written, with the graded box apart; `graded` is its place."""
    return list(_plain(text, 0, len(text), graded))


def typeset_pieces(text: str, typesetter: Typesetter, *, room: int, graded: tuple[int, int] = NOWHERE) -> list[Piece]:
    """Return a text with its formulas typeset, until their markup fills `room` characters; the others stay source.

    The formula with the graded box comes first.
    """
    markups: dict[Formula, Markup] = {}
    formulas = find_formulas(text)
    for formula in sorted(formulas, key=lambda each: not _meets(each, graded)):
        source = text[formula.start : formula.end]
        markup = typesetter.typeset(formula.latex, source=source, is_display=formula.is_display)
        if markup is None:
            continue
        room -= len(markup)
        if room < 0:
            break
        markups[formula] = markup
    return list(_joined(text, [(each, markups[each]) for each in formulas if each in markups], graded))


def _joined(text: str, typeset: list[tuple[Formula, Markup]], graded: tuple[int, int]) -> Iterator[Piece]:
    done = 0
    for formula, markup in typeset:
        yield from _plain(text, done, formula.start, graded)
        yield Piece(markup, is_graded=_meets(formula, graded))
        done = formula.end
    yield from _plain(text, done, len(text), graded)


def _meets(formula: Formula, graded: tuple[int, int]) -> bool:
    return formula.start < graded[1] and graded[0] < formula.end


def _plain(text: str, start: int, end: int, graded: tuple[int, int]) -> Iterator[Piece]:
    """Yield the text from start to end: before, in and behind the graded box."""
    low, high = (min(max(place, start), end) for place in graded)
    for part, is_graded in ((text[start:low], False), (text[low:high], True), (text[high:end], False)):
        if part:
            yield Piece(part, is_graded=is_graded)
