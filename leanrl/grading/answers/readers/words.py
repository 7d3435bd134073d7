"""Answers in words, and when two of them are the same."""

import re

from leanrl.grading.answers.nodes import Answer, Read, Words

_NO_WORDS = r"sqrt|frac|arcsin|arccos|arctan|sinh|cosh|tanh"
_WORDS = re.compile(
    rf"\\text\s*\{{[^{{}}]*[A-Za-z]|(?<![A-Za-z\\])(?!(?:{_NO_WORDS})(?![A-Za-z]))[A-Za-z]{{4,}}(?![A-Za-z])"
    r"|^(?:yes|no|odd|even|none)$|\\ldots(?![A-Za-z])",  # an ellipsis: no parser knows what it leaves out
    re.IGNORECASE,
)
_HALF_DAY = re.compile(r" [ap]m$")
_NAMES_IN_COMMANDS = re.compile(r"\\(?:begin|end|operatorname)\s*\{\w+\*?\}")
_NOT_SPELLING = re.compile(r"(?:\\text(?![A-Za-z])|[\s{}\\$.,;:!?'\"()\[\]-])+")


def read_words(latex: str, read: Read) -> Answer | None:
    return Words(latex, spell(latex)) if _WORDS.search(_NAMES_IN_COMMANDS.sub("", latex)) else None


def spell(latex: str) -> str:
    """Return the words of a text in lower case with single spaces, without what sets them."""
    words = _NOT_SPELLING.sub(" ", latex).casefold().split()
    return " ".join(words[1:] if words and words[0] in ("the", "a", "an") else words)


def same_words(gold: str, answer: str) -> bool:
    """Return whether two texts spell the same words; a.m. or p.m. may be left to the question."""
    spellings = [spell(gold), spell(answer)]
    halves = [_HALF_DAY.search(spelling) for spelling in spellings]
    if None in halves:
        spellings = [_HALF_DAY.sub("", spelling) for spelling in spellings]
    return spellings[0] == spellings[1]
