"""A tree of MathML as markup of a page: known elements, known values of known attributes, and everything else as text.

What the tree is made of was written by a policy. So an element that is not known refuses the whole formula, an
attribute that is not known goes, and text is escaped.
"""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from markupsafe import Markup, escape

from leanrl.report.rendering import writable

# fmt: off
_ELEMENTS = frozenset((
    "mrow", "mi", "mn", "mo", "mtext", "mspace", "msub", "msup", "msubsup", "mfrac", "mover", "munder", "munderover",
    "msqrt", "mroot", "mtable", "mtr", "mtd", "mstyle", "mpadded", "mphantom",
))
# fmt: on
# With fewer or more a browser shows something else than was meant.
_NUM_CHILDREN = {
    **dict.fromkeys(("mfrac", "mroot", "msub", "msup", "mover", "munder"), 2),
    **dict.fromkeys(("msubsup", "munderover"), 3),
}
# Of these latex2mathml does not put a base of several parts, such as a matrix in its brackets, into one.
_SCRIPTS = ("msub", "msup", "msubsup")
_WORD = r"true|false"
# Lengths that move little: a policy could otherwise lay its text over the page.
_LENGTH = r"-?0?\.\d{1,4}em|\d{1,2}(?:\.\d{1,4})?(?:em|ex|px|pt)?"
_SIDES, _LINES = (
    r"(?:left|right|center)(?: (?:left|right|center))*",
    r"(?:solid|dashed|none)(?: (?:solid|dashed|none))*",
)
_ATTRIBUTES = {
    **dict.fromkeys(("stretchy", "fence", "separator", "largeop", "movablelimits", "displaystyle", "accent"), _WORD),
    **dict.fromkeys(("width", "height", "depth", "lspace", "rspace", "linethickness", "minsize", "maxsize"), _LENGTH),
    **dict.fromkeys(("columnalign", "rowalign"), _SIDES),
    **dict.fromkeys(("columnlines", "rowlines"), _LINES),
    "form": r"prefix|infix|postfix",
    "mathvariant": r"[a-z]+(?:-[a-z]+){0,3}",
    "scriptlevel": r"[+-]?[0-3]",
}
# latex2mathml writes symbols as references, which its own text form does not escape.
_REFERENCE = re.compile(r"&#x([0-9A-Fa-f]{1,6});")
_MOST_LEVELS = 60


class UnknownMarkupError(ValueError):
    """The tree has an element that is not known or lacks a child, or too many levels."""


def math_markup(root: Element, *, source: str, is_display: bool) -> Markup:
    """Return a `math` element with the children of `root`, and with the source beside, which a browser hides.

    Search, copy and readers of the page find the source.

    Raises:
        UnknownMarkupError: if it holds what this page does not know.
    """
    display = ' display="block"' if is_display else ""
    inside = "".join(part for child in root for part in _written(child, level=0))
    note = f'<annotation encoding="application/x-tex">{escape(writable(source))}</annotation>'
    return Markup(f"<math{display}><semantics><mrow>{inside}</mrow>{note}</semantics></math>")


def _written(element: Element, *, level: int) -> Iterator[str]:
    is_box = element.tag == "menclose"  # of which browsers draw nothing
    children = _with_one_base(element)
    is_known = is_box or element.tag in _ELEMENTS
    if not is_known or level > _MOST_LEVELS or len(children) != _NUM_CHILDREN.get(element.tag, len(children)):
        raise UnknownMarkupError(f"{element.tag!r:.40} with {len(children)} children at level {level}")
    tag = "mrow" if is_box else element.tag
    attributes = ' class="boxed"' if is_box else "".join(_attributes(element))
    yield f"<{tag}{attributes}>"
    yield _text(element.text)
    for child in children:
        yield from _written(child, level=level + 1)
        yield _text(child.tail)
    yield f"</{tag}>"


def _with_one_base(element: Element) -> list[Element]:
    children = list(element)
    num_base = len(children) + 1 - _NUM_CHILDREN.get(element.tag, 0)
    if element.tag not in _SCRIPTS or num_base < 2:
        return children
    base = Element("mrow")
    base.extend(children[:num_base])
    return [base, *children[num_base:]]


def _attributes(element: Element) -> Iterator[str]:
    for name, value in element.attrib.items():
        known = _ATTRIBUTES.get(name)
        if known is not None and re.fullmatch(known, value):
            yield f' {name}="{value}"'


def _text(text: str | None) -> str:
    """Return text with its references as characters, escaped."""
    return str(escape(writable(_REFERENCE.sub(_character, text)))) if text else ""


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if code <= 0x10FFFF else "\ufffd"
