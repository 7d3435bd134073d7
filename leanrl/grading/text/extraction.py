"""The answer that a completion gives, as text."""

import re
from itertools import pairwise

from leanrl.grading.tables import sentences
from leanrl.grading.text.boxes import BOX_COMMAND, find_bare_boxes, find_boxes, listed_boxes, tied_boxes
from leanrl.grading.text.code import drop_code
from leanrl.prompting.thinking import drop_thinking
from leanrl.types import GradeMode

# Possessive repeats (*+) give nothing back, so that a failed match takes one pass.
_TIED_IN_0_5_2 = re.compile(r"\s*+(?:\$\s*+)?(?:,|and|or)\s*+(?:\$\s*+)?")
_DELIMITER = re.compile(r"\$\$|(?<!\\)\$|\\[()\[\]]")

# The unboxed forms of an answer; the last match counts.
TAGGED = re.compile(r"<answer>(?P<answer>(?:(?!</?answer>).)++)</answer>", re.DOTALL | re.IGNORECASE)
_HASHES = re.compile(r"^####[ \t]*(?P<answer>.+)$", re.MULTILINE)  # the form of GSM8K's own solutions
_ANNOUNCED = re.compile(sentences.ANNOUNCED_ANSWER, re.IGNORECASE)
_UNCLOSED = re.compile(rf"{BOX_COMMAND.pattern}(?P<answer>[^\n$]+)")
_FORMULA = re.compile(
    r"\$\$(?P<display>[^$]+)\$\$|\$(?P<answer>[^$\n]+)\$|\\\[(?P<bracketed>(?:[^\\]|\\[^\]])+)\\\]"
    r"|\\\((?P<inline>(?:[^\\]|\\[^)])+)\\\)|\*\*(?P<bold>[^*\n]+)\*\*"
)
_NUMBER = re.compile(r"(?P<answer>(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:/\d+)?%?)")
_SENTENCE_END = re.compile(sentences.SENTENCE_END)
_DENIAL = re.compile(r"(?:\b(?:not|never|no)|n't)\s(?:\w{1,12}\s)?$")
_DENIAL_CHARS = 30

# An unboxed answer is looked for at the end of the text: it stands there, and the search stays cheap.
_TAIL_CHARS = 1000
# Boxes tied to the last one are looked for among as many.
_MAX_TIED = 20


def find_answer(completion: str, mode: GradeMode, *, asks_for_several: bool = False) -> str | None:
    """Return the text of the answer, or None if the mode finds none.

    strict: the last box outside the thinking part and code, joined with those that "and" or a comma ties to it; where
    several values are asked for, also with those of a list.
    lenient: that, else what the text after the thinking part announces or writes last.
    as_run: everything the paper's parser would see, with only the last box left a box.
    """
    if mode == "as_run":
        return keep_last_boxes(completion)
    spoken = drop_code(drop_thinking(completion))
    boxed = _boxed_answer(spoken, asks_for_several=asks_for_several)
    return boxed if boxed is not None or mode == "strict" else _unboxed_answer(spoken)


def keep_last_boxes(text: str) -> str:
    r"""Return the text with no boxes but the last one and those that are one answer with it.

    math-verify 0.9.0 makes a set of boxes that stand close together; 0.5.2, which the paper ran, only of those in one
    formula or with nothing but a comma, "and" or "or" between them, and else takes the last one. Boxes before that
    lose their command here, and keep what they hold.
    """
    boxes = find_boxes(text)
    for earlier, later in reversed(list(pairwise(boxes[-_MAX_TIED:]))):
        is_tied = _TIED_IN_0_5_2.fullmatch(text, earlier.end, later.start)
        is_in_formula = len(_DELIMITER.findall(text, 0, earlier.start)) % 2 == 1
        if not (is_tied or (is_in_formula and not _DELIMITER.search(text, earlier.end, later.start))):
            return BOX_COMMAND.sub("{", text[: later.start]) + text[later.start :]
    return text


def _boxed_answer(text: str, *, asks_for_several: bool) -> str | None:
    boxes = sorted([*find_boxes(text), *find_bare_boxes(text)], key=lambda box: box.start)
    if not boxes:
        return None
    tied = listed_boxes(text, boxes) if asks_for_several else tied_boxes(text, boxes)
    # The braces of boxes inside a box stay, their commands go.
    contents = dict.fromkeys(BOX_COMMAND.sub("{", box.content).strip() for box in tied)
    return ", ".join(content for content in contents if content) or None


def _unboxed_answer(text: str) -> str | None:
    """Return what the end of a text announces as its answer, else its last formula, else its last number."""
    tail = text[-_TAIL_CHARS:]
    for form in (_UNCLOSED, TAGGED, _HASHES, _ANNOUNCED, _FORMULA, _NUMBER):
        matches = list(form.finditer(tail))
        place = matches[-1].start() if matches else 0
        if form is _NUMBER and _DENIAL.search(tail, max(0, place - _DENIAL_CHARS), place):
            return None  # it is surely not 5
        if matches:
            answer = next(group for group in matches[-1].groupdict().values() if group)
            return _first_sentence(answer) if form is _ANNOUNCED else answer.strip()
    return None


def _first_sentence(answer: str) -> str:
    """Return the formula that an announcement begins with, else its words up to the end of the sentence."""
    formula = _FORMULA.match(answer)
    if formula:
        return next(group for group in formula.groupdict().values() if group).strip()
    return _SENTENCE_END.split(answer, maxsplit=1)[0].strip(" *_")
