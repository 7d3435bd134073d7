"""A text cut into what stays text and what is a formula, each formula typeset while there is room on the page."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from leanrl.report.mathematics.formulas import Formula, find_formulas
from leanrl.report.mathematics.typesetting import typeset


@dataclass(frozen=True)
class Piece:
    """A part of a text: escaped where it is written, unless it is markup; `is_graded` is the box that was graded."""

    shown: str | Markup
    is_graded: bool = False


def plain_pieces(text: str, *, graded: tuple[int, int] = (0, 0)) -> list[Piece]:
    """Return a text as it was written, with the graded box apart; `graded` is its place, empty for none."""
    return list(_plain(text, 0, len(text), graded))


def typeset_pieces(text: str, *, room: int, graded: tuple[int, int] = (0, 0)) -> list[Piece]:
    """Return a text with its formulas typeset, until their markup has `room` characters; later ones stay source."""
    pieces: list[Piece] = []
    done = 0
    for formula in find_formulas(text):
        markup = _markup(text, formula)
        if markup is None or len(markup) > room:
            continue
        room -= len(markup)
        pieces += _plain(text, done, formula.start, graded)
        pieces.append(Piece(markup, is_graded=formula.start < graded[1] and graded[0] < formula.end))
        done = formula.end
    return [*pieces, *_plain(text, done, len(text), graded)]


def _markup(text: str, formula: Formula) -> Markup | None:
    return typeset(formula.latex, source=text[formula.start : formula.end], is_display=formula.is_display)


def _plain(text: str, start: int, end: int, graded: tuple[int, int]) -> Iterator[Piece]:
    """Yield the text from start to end: before, in and behind the graded box."""
    low, high = (min(max(place, start), end) for place in graded)
    for part, is_graded in ((text[start:low], False), (text[low:high], True), (text[high:end], False)):
        if part:
            yield Piece(part, is_graded=is_graded)
