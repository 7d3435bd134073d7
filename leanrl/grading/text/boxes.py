r"""The \boxed{...} and \fbox{...} commands of a text, and which of them together are one answer."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from leanrl.grading.tables import sentences
from leanrl.grading.text.brackets import find_partners, is_one_bracket, split_outside
from leanrl.grading.text.numbers import is_grouped

# A backslash may be doubled by one who escapes too often; behind a row's end, it is single.
BOX_COMMAND = re.compile(r"(?:(?<!\\)\\)?\\(?:boxed|fbox)\s*\{")

# One token without braces, as TeX takes it, before the end of its formula or line: in "put it in \\boxed as asked" the
# command is only talked about, and \\boxed 12 would show a box around the 1.
_BARE = re.compile(
    r"\\{1,2}(?:boxed|fbox)(?![A-Za-z])\s*+(?P<content>\\[A-Za-z]++|[^\W_])"
    r"(?=\s*+(?:\$|\\[)\]])|[ \t]*+[.,;!]?[ \t]*+$)",
    re.MULTILINE,
)

# Commas, semicolons, "and" and "or", amid spacing and math delimiters; nothing at all, on one line.
# Possessive repeats (*+) give nothing back, so that a failed match takes one pass.
_FILLER = r"(?:\s|\$|\\[()\[\],;:!]|\\q?quad\b|&|~)*+"
_WORD = r"(?:,|;|\\(?:text|mbox|mathrm)\s*+\{\s*+(?:,\s*+)?(?:and|or)\s*+\}|\b(?:and|or)\b)"
_TIED = re.compile(rf"{_FILLER}(?:{_WORD}{_FILLER})++|[ $]*+")

# Where several values are asked for, also what lists them.
_LISTED = re.compile(sentences.BETWEEN_LISTED_BOXES, re.IGNORECASE)
_NAMED = re.compile(rf"(?P<name>(?<![A-Za-z\\]){sentences.BOX_NAME})\s?&?\s?=[\s$]*$")
_NAME_CHARS = 20

_SEPARATOR = re.compile(
    r",|;|\\(?:text|mbox|mathrm)\s*\{\s*(?:and|or)\s*\}|(?<![A-Za-z\\])(?:and|or)(?![A-Za-z])|\\pm(?![A-Za-z])"
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
    partners = find_partners(text)
    boxes: list[Box] = []
    for command in BOX_COMMAND.finditer(text):
        closing = partners.get(command.end() - 1)
        if closing is not None and not (boxes and command.start() < boxes[-1].end):
            boxes.append(Box(command.start(), closing + 1, text[command.end() : closing]))
    return boxes


def find_bare_boxes(text: str) -> list[Box]:
    r"""Return the boxes around one token without braces: $\boxed 5$."""
    return [Box(bare.start(), bare.end(), bare["content"]) for bare in _BARE.finditer(text)]


def tied_boxes(text: str, boxes: list[Box]) -> list[Box]:
    """Return the last box and those before it that belong to the same answer."""
    return _last_run(boxes, lambda start, end: _TIED.fullmatch(text, start, end))


def listed_boxes(text: str, boxes: list[Box]) -> list[Box]:
    """Return the boxes at the end that list values one by one, for an answer of several.

    Where the last box has several values, only boxes that are tied to it belong to it.

    A box behind a name (x_1 =) keeps it, if all do: then the order does not matter.
    """
    if holds_several(boxes[-1].content):
        return tied_boxes(text, boxes)
    run = _last_run(boxes, lambda start, end: _LISTED.fullmatch(text, start, end))
    names = [_NAMED.search(text, max(0, box.start - _NAME_CHARS), box.start) for box in run]
    with_names = [
        replace(box, content=f"{name['name']} = {box.content}") for name, box in zip(names, run, strict=True) if name
    ]
    return with_names if len(with_names) == len(run) > 1 else run


def holds_several(answer: str) -> bool:
    r"""Return whether an answer has several values: 2, 5 or (2, 5) or 1 \pm \sqrt2."""
    answer = answer.strip(" $.")
    if is_grouped(answer):
        return False
    inside = re.sub(r"^(?:\\\{|[(\[])|(?:\\\}|[)\]])$", "", answer) if is_one_bracket(answer) else answer
    return len(split_outside(inside, _SEPARATOR)) > 1


def _last_run(boxes: list[Box], ties: Callable[[int, int], re.Match[str] | None]) -> list[Box]:
    """Return the last box and those before it as long as the text from the end of one to the start of the next ties."""
    first = len(boxes) - 1
    while first > 0 and ties(boxes[first - 1].end, boxes[first].start):
        first -= 1
    return boxes[first:]
