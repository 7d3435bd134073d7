"""Which bracket of a LaTeX text closes which, and what stands outside all of them."""

import re
from collections.abc import Iterator

_OPENING = r"\\[{(\[]|\\(?:langle|lfloor|lceil|begin\s*\{\w+\*?\})(?![A-Za-z])|[{(\[]"
_CLOSING = r"\\[})\]]|\\(?:rangle|rfloor|rceil|end\s*\{\w+\*?\})(?![A-Za-z])|[})\]]"
_BRACKET = re.compile(rf"(?P<opening>{_OPENING})|(?P<closing>{_CLOSING})|\\(?:[A-Za-z]+|.)", re.DOTALL)


def split_outside(text: str, separator: re.Pattern[str]) -> list[str]:
    """Return the pieces between the matches of `separator` that stand in no bracket, without spaces around them.

    Which bracket closes which is not looked at, so that [0, 1) is one piece.
    """
    pieces, start = [], 0
    for match in separators_outside(text, separator):
        pieces.append(text[start : match.start()])
        start = match.end()
    return [piece.strip() for piece in (*pieces, text[start:])]


def separators_outside(text: str, separator: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """Yield the matches of `separator` that stand in no bracket."""
    depth = 0
    tokens = re.compile(rf"(?P<separator>{separator.pattern})|{_BRACKET.pattern}", re.DOTALL)
    for token in tokens.finditer(text):
        if token["separator"] is None:
            depth = max(0, depth + (token["opening"] is not None) - (token["closing"] is not None))
        elif depth == 0:
            yield token


def is_one_bracket(text: str) -> bool:
    """Return whether the bracket that opens the text is closed by what ends it; [0, 1) is one, (0, 1)(2) is not."""
    depth = 0
    for token in _BRACKET.finditer(text):
        depth += (token["opening"] is not None) - (token["closing"] is not None)
        if depth <= 0:
            return token.end() == len(text) and token["closing"] is not None and token.start() > 0
    return False


def find_partners(text: str) -> dict[int, int]:
    """Return the index of the closing bracket for the index of each plain {, ( and [ that has one.

    Round and square brackets close each other, as they do in intervals; a brace closes whatever is open in it.
    """
    partners: dict[int, int] = {}
    open_at: list[int] = []
    num_open_braces = 0
    for token in re.finditer(r"\\.|[{}()\[\]]", text, re.DOTALL):
        bracket = token.group()
        if bracket in "{([":
            open_at.append(token.start())
            num_open_braces += bracket == "{"
        elif bracket == "}" and num_open_braces:
            while text[open_at[-1]] != "{":
                open_at.pop()
            num_open_braces -= 1
            partners[open_at.pop()] = token.start()
        elif bracket in ")]" and open_at and text[open_at[-1]] != "{":
            partners[open_at.pop()] = token.start()
    return partners


def replace_spans(text: str, edits: list[tuple[int, int, str]]) -> str:
    """Return the text with each span (start, end) replaced; one that begins inside an earlier one is left out."""
    pieces, last = [], 0
    for start, end, replacement in edits:
        if start >= last:
            pieces += [text[last:start], replacement]
            last = end
    return "".join([*pieces, text[last:]])


def trim(text: str) -> str:
    """Return a text without the spaces and stops around it, and without braces that hold all of it."""
    partners = find_partners(text)
    start, end = 0, len(text)
    while True:
        while start < end and text[start].isspace():
            start += 1
        while start < end and text[end - 1] in " \t\n.,;:":
            end -= 1
        if start == end or text[start] != "{" or partners.get(start) != end - 1:
            return text[start:end]
        start, end = start + 1, end - 1
