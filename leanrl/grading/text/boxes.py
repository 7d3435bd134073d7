r"""The \boxed{...} and \fbox{...} commands of a text."""

import re
from dataclasses import dataclass

BOX_COMMAND = re.compile(r"\\{1,2}(?:boxed|fbox)\s*\{")

# An escaped character (so that \{ and \} are passed over), a box with its brace, or a brace.
_TOKEN = re.compile(rf"{BOX_COMMAND.pattern}|\\.|[{{}}]", re.DOTALL)

# One token without braces, as TeX takes it, before the end of its formula or line: in "put it in \\boxed as asked" the
# command is only talked about, and \\boxed 12 would show a box around the 1.
_BARE = re.compile(
    r"\\{1,2}(?:boxed|fbox)(?![A-Za-z])\s*+(?P<content>\\[A-Za-z]++|[^\W_])"
    r"(?=\s*+(?:\$|\\[)\]])|[ \t]*+[.,;!]?[ \t]*+$)",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Box:
    """A box: its place in the text, command and closing brace included, and what it holds."""

    start: int
    end: int
    content: str


def find_boxes(text: str) -> list[Box]:
    """Return the closed boxes of a text that lie in no other box, in order.

    One pass whatever the text holds: a completion may open a thousand boxes and close none.
    """
    boxes: list[Box] = []
    open_braces: list[tuple[int, int] | None] = []  # (start, content start) of a box, None for a plain brace
    for token in _TOKEN.finditer(text):
        if token.group() == "{":
            open_braces.append(None)
        elif token.group() == "}" and open_braces:
            opened = open_braces.pop()
            if opened is not None:
                start, content_start = opened
                while boxes and boxes[-1].start > start:
                    boxes.pop()
                boxes.append(Box(start, token.end(), text[content_start : token.start()]))
        elif token.group().endswith("{") and len(token.group()) > 2:
            open_braces.append((token.start(), token.end()))
    return boxes


def find_bare_boxes(text: str) -> list[Box]:
    r"""Return the boxes around one token without braces: $\boxed 5$."""
    return [Box(bare.start(), bare.end(), bare["content"]) for bare in _BARE.finditer(text)]
