"""The answer that a completion gives, as text."""

import re

from leanrl.grading.boxes import BOX_COMMAND, Box, find_boxes
from leanrl.types import GradeMode

_OPEN, _CLOSE = "<think>", "</think>"

# What may stand between boxes that together are one answer: commas, semicolons, "and" and "or", amid spacing and math
# delimiters; nothing at all, on one line.
_FILLER = r"(?:\s|\$|\\[()\[\],;:!]|\\q?quad\b|&|~)*"
_WORD = r"(?:,|;|\\(?:text|mbox|mathrm)\s*\{\s*,?\s*(?:and|or)\s*\}|\b(?:and|or)\b)"
_JOINED = re.compile(rf"{_FILLER}(?:{_WORD}{_FILLER})+|[ $]*")

# "The answer is: ..." and its kin; the answer runs to the end of the line.
_ANNOUNCED = re.compile(
    r"(?:\banswer(?:[ \t]+is)?|\bfinal answer(?:[ \t]+is)?|\btherefore|\bthus|\bhence|\bso)\b[ \t]*[:=]?[ \t]*",
    re.IGNORECASE,
)
_MATH = re.compile(r"\$\$(.{1,2000}?)\$\$|\$([^$\n]{1,2000})\$|\\\[(.{1,2000}?)\\\]|\\\((.{1,2000}?)\\\)", re.DOTALL)
_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:/\d+)?%?")

# An un-boxed answer is looked for at the end of the text: it stands there, and the search stays cheap.
_TAIL_CHARS = 2000


def find_answer(completion: str, mode: GradeMode) -> str | None:
    """Return the text of the answer, or None if the mode finds none.

    strict: the last box outside the thinking part, joined with those that "and" or a comma ties to it.
    lenient: that, else what the text after the thinking part announces or writes last.
    as_run: everything the paper's parser would see, with only the last box left a box.
    """
    if mode == "as_run":
        return keep_last_box(completion)
    spoken = drop_thinking(completion)
    boxed = _boxed_answer(spoken)
    if boxed is not None or mode == "strict":
        return boxed
    return _unboxed_answer(spoken)


def drop_thinking(completion: str) -> str:
    """Return what was said after the thinking part; nothing of a thinking part that was not closed.

    The opening tag is often in the prompt, so a closing tag alone ends a thinking part that began with the text.
    """
    spoken = completion.rpartition(_CLOSE)[2]
    return spoken.partition(_OPEN)[0]


def keep_last_box(text: str) -> str:
    r"""Return the text from its last \boxed on, to the end of that box; the whole text if it has no box.

    math-verify 0.9.0 makes a set of boxes that stand close together; 0.5.2, which the paper ran, takes the last one.
    """
    boxes = find_boxes(text)
    return text[boxes[-1].start : boxes[-1].end] if boxes else text


def _boxed_answer(text: str) -> str | None:
    boxes = find_boxes(text)
    if not boxes:
        return None
    contents = [_unbox(box) for box in _last_joined(text, boxes)]
    distinct = list(dict.fromkeys(content for content in contents if content))
    return ", ".join(distinct) or None


def _last_joined(text: str, boxes: list[Box]) -> list[Box]:
    """Return the last box and those before it that belong to the same answer."""
    first = len(boxes) - 1
    while first > 0 and _JOINED.fullmatch(text, boxes[first - 1].end, boxes[first].start):
        first -= 1
    return boxes[first:]


def _unbox(box: Box) -> str:
    """Return what a box holds; the braces of boxes inside it stay, their commands go."""
    return BOX_COMMAND.sub("{", box.content).strip()


def _unboxed_answer(text: str) -> str | None:
    """Return what follows the last announcement; else the last formula; else the last number."""
    text = text[-_TAIL_CHARS:]
    announced = list(_ANNOUNCED.finditer(text))
    if announced:
        line = text[announced[-1].end() :].partition("\n")[0].strip(" *_\t")
        if line:
            formula = _MATH.search(line)
            return next(group for group in formula.groups() if group) if formula else line
    formulas = list(_MATH.finditer(text))
    if formulas:
        return next(group for group in formulas[-1].groups() if group)
    numbers = _NUMBER.findall(text)
    return numbers[-1].rstrip(",") if numbers else None
