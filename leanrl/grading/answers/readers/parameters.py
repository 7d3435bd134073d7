r"""Free parameters: k in k\pi, k \in Z; the C of + C. Their letters are the writer's choice."""

import re
from collections.abc import Callable, Iterator
from itertools import permutations

from leanrl.grading.answers.nodes import Answer, Read
from leanrl.grading.tables import parameters as table

_DECLARATION = re.compile(table.DECLARATION, re.DOTALL)
_BUILDER = re.compile(table.BUILDER, re.DOTALL)
_PERIODIC = re.compile(table.PERIODIC)
_NOT_PERIODIC = re.compile(table.NOT_PERIODIC)
_FACTOR = re.compile(table.FACTOR)
_ANY_NUMBER = re.compile(table.ANY_NUMBER)
_NAMED_FREELY = tuple(map(re.compile, (table.CONSTANT, table.NUMBERED_CONSTANT, table.ARGUMENT, table.RUNNING)))
_MAX_FACTORS = 3
_TOKEN = re.compile(r"\\text\s?\{[^{}]*\}|\\[A-Za-z]+|[A-Za-z]")
_ALL = re.compile(rf"{_TOKEN.pattern}|.", re.DOTALL)
_MAX_CHARS = 500


def read_family(latex: str, read: Read) -> Answer | None:
    """Return a value and the domain of the parameter that is declared behind it."""
    declared = _declared(latex)
    return None if declared is None else Answer(latex, "family", (read(declared[0]),), (declared[2],))


def with_letters_of(gold: str, answer: str) -> Iterator[str]:
    """Yield an answer with its free parameter and its constants named as in the gold answer, in each way."""
    is_short = max(len(gold), len(answer)) <= _MAX_CHARS
    for wanted, own in zip(_free(gold, answer), _free(answer, gold), strict=True) if is_short else ():
        if wanted and own and wanted != own and wanted not in _letters(answer):
            answer = "".join(wanted if token == own else token for token in _ALL.findall(answer))
    yield answer
    names, others = _factors(gold), _factors(answer)
    if len(names) == len(others) <= _MAX_FACTORS and all(name[0] in table.CONSTANTS for name in names):
        for ordered in permutations(names) if names else ():
            yield _FACTOR.sub(_renaming(dict(zip(others, ordered, strict=True))), answer)


def free_letter_of(gold: str) -> str | None:
    r"""Return the letter that a gold answer declares to stand for any whole number, k of k \in Z, or the C of + C.

    One that is not declared may be a number that the problem gives: an area of n\pi is none of (n+1)\pi. A C is that of
    an antiderivative beside one other letter, a small one: 2A + C is none of 2A - C.
    """
    others = _letters(gold.rpartition("=")[2]) - {"C", "e"}
    if _ANY_NUMBER.search(gold) and len(others) == 1 and not others.pop().isupper():
        return "C"
    declared = _declared(gold) if len(gold) <= _MAX_CHARS else None
    return declared[1] if declared and declared[2] == "integer" else None


def _declared(latex: str) -> tuple[str, str, str] | None:
    """Return the value, the letter and the domain where a parameter is declared."""
    builder = _BUILDER.fullmatch(latex)
    text = f"{builder['value'].strip()}, {builder['declaration'].strip()}" if builder else latex
    match = _DECLARATION.fullmatch(text) if "integer" in text or "mathbb" in text or "constant" in text else None
    if match is None or (builder and ("," in builder["declaration"] or match["domain"] == "R")):
        return None
    letter, kind = match["letter"] or match["other"], (match["domain"] or match["kind"] or match["named"]).rstrip("s")
    return (match["value"], letter, table.DOMAINS.get(kind, kind)) if letter in _letters(match["value"]) else None


def _free(latex: str, other: str) -> list[str | None]:
    """Return the letters that are the writer's choice: an added constant, numbered ones, an argument, a parameter."""
    found = (pattern.search(latex) for pattern in _NAMED_FREELY)
    return [*(match[match.lastgroup or 0] if match else None for match in found), _parameter(latex, other)]


def _parameter(latex: str, other: str) -> str | None:
    r"""Return the letter that is declared, or that counts half turns, or that stands alone against a declared one."""
    if declared := _declared(latex):
        return declared[1]
    if (periodic := _PERIODIC.search(latex)) and not _NOT_PERIODIC.search(latex):
        return periodic[periodic.lastgroup or 0]
    own = [letter for letter in table.LETTERS if letter in _letters(latex) and letter not in _letters(other)]
    return own[0] if _declared(other) and len(own) == 1 else None


def _factors(latex: str) -> list[str]:
    r"""Return the constants before a power of e, a sine or a cosine: those of a differential equation's solution."""
    return list(dict.fromkeys(_FACTOR.findall(latex)))


def _renaming(names: dict[str, str]) -> Callable[[re.Match[str]], str]:
    return lambda factor: names[factor[0]]


def _letters(latex: str) -> set[str]:
    return {token for token in _TOKEN.findall(latex) if not token.startswith("\\")}
