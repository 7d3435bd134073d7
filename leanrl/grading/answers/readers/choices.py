"""Letters of a multiple choice: B, (B), B), B. five, Option B."""

import re

from leanrl.grading.answers.nodes import Answer, Read
from leanrl.grading.tables import notations

_HEAD = re.compile(notations.CHOICE)
_NO_OPTION = re.compile(notations.NO_OPTION)
_LETTER = re.compile("[A-J]")
_RUN = re.compile(r"(?:\\text\s?\{\s?)?(?P<letters>[A-J]{2,10})(?:\s?\})?")
_MARK = re.compile(r"(?:(?<=\s)|^)(?=\([A-J]\)(?:\s|$))")


def read_choice(latex: str, read: Read) -> Answer | None:
    """Return the letter and the option behind it; several letters, each with its option, are several answers."""
    before, *choices = _MARK.split(latex)
    if not before and len(choices) > 1:
        return Answer(latex, "list", tuple(map(read, choices)), ("comma",))
    head = _HEAD.match(latex)
    if head is None or head.lastgroup is None:
        return None
    option = latex[head.end() :]
    if head["set"]:
        option = option[1:].lstrip() if option.startswith("}") else rf"\text{{{option}"
    if _NO_OPTION.match(option):
        return None
    return Answer(latex, "choice", (read(option),) if option else (), (head[head.lastgroup],))


def letter_of(answer: Answer) -> str | None:
    """Return the letter that is chosen, None for an answer that is no choice and no letter."""
    if answer.kind == "choice":
        return answer.marks[0]
    letter = answer.latex.strip()
    return letter.upper() if len(letter) == 1 and letter.isalpha() else None


def option_of(answer: Answer) -> Answer | None:
    """Return what is chosen: the option behind a letter, or an answer that is no letter."""
    if answer.kind == "choice":
        return answer.value if answer.parts else None
    return None if letter_of(answer) else answer


def letters_chosen(answer: Answer) -> str:
    """Return the letters of an answer to a question with several right choices, in order: A, C and D, or ACD.

    A run of letters has them in the order of the alphabet; nothing is returned for any other answer.
    """
    if answer.kind == "list":
        is_joined = len(answer.parts) > 1 and answer.marks != ("or",)
        letters = [item.latex if item.parts or item.kind != "choice" else item.marks[0] for item in answer.parts]
        return "".join(sorted(letters)) if is_joined and all(map(_LETTER.fullmatch, letters)) else ""
    run = _RUN.fullmatch(answer.latex)
    return run["letters"] if run and sorted(set(run["letters"])) == list(run["letters"]) else ""
