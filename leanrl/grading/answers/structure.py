"""What an answer is made of: lists, points, intervals, named values, and the expressions in them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from leanrl.grading.text.brackets import is_one_bracket, split_outside, trim
from leanrl.grading.text.characters import squeeze
from leanrl.grading.text.numbers import THOUSANDS


@dataclass(frozen=True)
class Expression:
    """What is left for a parser: a term, a relation, a set operation, a matrix."""

    latex: str


@dataclass(frozen=True)
class Words:
    """An answer in words; their spelling is all there is to compare."""

    latex: str
    spelling: str


@dataclass(frozen=True)
class Choice:
    """A letter of a multiple choice in its parentheses, and the value behind it, if one was given."""

    latex: str
    letter: str
    value: "Answer | None"


@dataclass(frozen=True)
class Based:
    """Digits in a written base: 101_2."""

    latex: str
    digits: str
    base: str


@dataclass(frozen=True)
class Modulo:
    """A value, or an equation, modulo something."""

    latex: str
    value: "Answer"
    modulus: str


@dataclass(frozen=True)
class Items:
    """Values in no order: 1, 2 or {1, 2}."""

    latex: str
    items: tuple["Answer", ...]


@dataclass(frozen=True)
class Grouped:
    """Digits that may be one number, its thousands set apart, or a list: 81,256."""

    latex: str
    number: Expression
    items: Items


@dataclass(frozen=True)
class Row:
    """Values in order between brackets: a point, a tuple, or an interval."""

    latex: str
    brackets: str
    items: tuple["Answer", ...]


@dataclass(frozen=True)
class Ratio:
    """Terms of a proportion, a : b : c, or a time of day."""

    latex: str
    terms: tuple["Answer", ...]


@dataclass(frozen=True)
class Chain:
    r"""The sides of signs like = and \approx; `signs[i]` stands before `sides[i + 1]`."""

    latex: str
    sides: tuple["Answer", ...]
    signs: tuple[str, ...]


Answer: TypeAlias = Expression | Words | Choice | Based | Modulo | Items | Grouped | Row | Ratio | Chain

_MAX_DEPTH = 8  # deeper than any answer is nested; what lies deeper stays one expression

_SEMICOLON, _COMMA, _COLON = re.compile(";"), re.compile(","), re.compile(":")
_SIGN = re.compile(r"(?<![<>!:\\])=|\\(?:approx|in|equiv)(?![A-Za-z])")
_RELATION = re.compile(r"[<>]|\\(?:le|ge|neq|forall|exists|pmod|bmod|mid)(?![A-Za-z])")
_PLUS_MINUS = re.compile(r"\\(pm|mp)(?![A-Za-z])")
_CHOICE = re.compile(r"\((?P<letter>[A-Z])\)(?:\s+(?P<value>[^\s+\-*/^_=<>].*))?", re.DOTALL)
_BASED = re.compile(
    r"(?P<sign>-?)\(?(?P<digits>[A-F]*+\d[0-9A-F]*+)\)?\s*+_\s*+(?:\{\s*+)?(?P<base>\d{1,2}|\\text\s*\{[^{}]*\})(?:\s*\})?"
)
_MODULO = re.compile(r"(?P<value>.*\S)\s*\\pmod\{(?P<modulus>[^{}]+)\}", re.DOTALL)
_SET_BUILDER = re.compile(
    r"\\\{\s*[A-Za-z]\s*(?:\\in\s*\\mathbb\s*\{R\}\s*)?(?:\\mid(?![A-Za-z])|:|\|)(?P<rule>.*)\\\}", re.DOTALL
)
_SYSTEM = re.compile(
    r"\\begin\s*\{(?P<name>cases|array|aligned)\}(?:\s*\{[lcr|\s]*\})?(?P<rows>[^&]*)\\end\s*\{(?P=name)\}", re.DOTALL
)
_NO_WORDS = r"sqrt|frac|arcsin|arccos|arctan|sinh|cosh|tanh"
_WORDS = re.compile(
    rf"\\text\s*\{{[^{{}}]*[A-Za-z]|(?<![A-Za-z\\])(?!(?:{_NO_WORDS})(?![A-Za-z]))[A-Za-z]{{4,}}(?![A-Za-z])"
    r"|^(?:yes|no|odd|even|none)$|\\ldots(?![A-Za-z])",  # an ellipsis: no parser knows what it leaves out
    re.IGNORECASE,
)
_HALF_DAY = re.compile(r" [ap]m$")
_NAMES_IN_COMMANDS = re.compile(r"\\(?:begin|end|operatorname)\s*\{\w+\*?\}")
_NOT_SPELLING = re.compile(r"(?:\\text(?![A-Za-z])|[\s{}\\$.,;:!?'\"()\[\]-])+")


def read_structure(latex: str, depth: int = 0) -> Answer:
    """Return what a normalised answer is made of."""
    latex = trim(latex)
    if depth >= _MAX_DEPTH:
        return Expression(latex)
    for read in _READERS:
        answer = read(latex, depth + 1)
        if answer is not None:
            return answer
    return Expression(latex)


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


def _read_form(latex: str, depth: int) -> Answer | None:
    """Return an answer of a written form of its own."""
    if based := _BASED.fullmatch(latex):
        base = re.sub(r"\\text|[{}\s]", "", based["base"])
        return Based(latex, based["sign"] + (based["digits"].lstrip("0") or "0"), base)
    if choice := _CHOICE.fullmatch(latex):
        value = choice["value"]
        return Choice(latex, choice["letter"], read_structure(value, depth) if value else None)
    if modulo := _MODULO.fullmatch(latex):
        return Modulo(latex, read_structure(modulo["value"], depth), squeeze(modulo["modulus"]))
    if builder := _SET_BUILDER.fullmatch(latex):
        return read_structure(builder["rule"], depth)
    if system := _SYSTEM.fullmatch(latex):
        rows = [row.strip(" ,;") for row in system["rows"].split(r"\\")]
        return Items(latex, tuple(read_structure(row, depth) for row in rows if row))
    return None


def _read_list(latex: str, depth: int) -> Answer | None:
    """Return the values between semicolons or commas; n = 1, 2, 3 is one name with three values."""
    for separator in (_SEMICOLON, _COMMA):
        pieces = [piece.strip() for piece in split_outside(latex, separator) if piece.strip()]
        if len(pieces) < 2:
            continue
        items = tuple(read_structure(piece, depth) for piece in pieces)
        if THOUSANDS.fullmatch(latex):
            return Grouped(latex, Expression(latex.replace(",", "")), Items(latex, items))
        first, rest = items[0], items[1:]
        if isinstance(first, Chain) and len(first.sides) == 2 and not any(_is_statement(item) for item in rest):
            values = Items(latex, (first.sides[1], *rest))
            return Chain(latex, (first.sides[0], values), first.signs)
        return Items(latex, _with_both_signs(items))
    return None


def _read_chain(latex: str, depth: int) -> Answer | None:
    sides = [side.strip() for side in split_outside(latex, _SIGN)]
    if len(sides) < 2 or not all(sides) or any(len(split_outside(side, _RELATION)) > 1 for side in sides):
        return None
    signs = tuple(sign.strip() for sign in _signs_outside(latex))
    return Chain(latex, tuple(read_structure(side, depth) for side in sides), signs)


def _read_words(latex: str, depth: int) -> Answer | None:
    return Words(latex, spell(latex)) if _WORDS.search(_NAMES_IN_COMMANDS.sub("", latex)) else None


def _read_ratio(latex: str, depth: int) -> Answer | None:
    terms = [term.strip() for term in split_outside(latex, _COLON)]
    if len(terms) < 2 or not all(terms):
        return None
    return Ratio(latex, tuple(read_structure(term, depth) for term in terms))


def _read_bracket(latex: str, depth: int) -> Answer | None:
    r"""Return the values of one bracket that holds everything: a set, a point, an interval, or a value in brackets."""
    if not is_one_bracket(latex):
        return None
    is_set = latex.startswith(r"\{")
    opening, closing = re.match(r"\\langle|\\\{|\(|\[", latex), re.search(r"(?:\\rangle|\\\}|\)|\])$", latex)
    if opening is None or closing is None:
        return None
    inside = latex[opening.end() : closing.start()]
    pieces = [piece.strip() for piece in split_outside(inside, _COMMA)]
    if len(pieces) == 1 and not is_set:
        return read_structure(inside, depth)
    if not all(pieces):
        return None
    items = tuple(read_structure(piece, depth) for piece in pieces)
    brackets = (opening.group() + closing.group()).replace(r"\langle", "(").replace(r"\rangle", ")")
    return Items(latex, _with_both_signs(items)) if is_set else Row(latex, brackets, items)


def _read_plus_minus(latex: str, depth: int) -> Answer | None:
    r"""Return the two values of a term with \pm; where it stands several times, it has the same sign in each."""
    if not _PLUS_MINUS.search(latex) or len(split_outside(latex, _RELATION)) > 1:
        return None
    upper = _PLUS_MINUS.sub(lambda sign: {"pm": "+", "mp": "-"}[sign[1]], latex)
    lower = _PLUS_MINUS.sub(lambda sign: {"pm": "-", "mp": "+"}[sign[1]], latex)
    return Items(latex, (read_structure(upper.removeprefix("+"), depth), read_structure(lower, depth)))


def _with_both_signs(items: tuple[Answer, ...]) -> tuple[Answer, ...]:
    r"""Return the values of a list, those of a term with \pm among them instead of that term."""
    spread: list[Answer] = []
    for item in items:
        spread += item.items if isinstance(item, Items) and _PLUS_MINUS.search(item.latex) else [item]
    return tuple(spread)


def _is_statement(answer: Answer) -> bool:
    return isinstance(answer, Chain) or bool(_RELATION.search(answer.latex))


def _signs_outside(latex: str) -> list[str]:
    """Return the signs that `split_outside` splits at, in order."""
    pieces = split_outside(latex, _SIGN)
    signs, position = [], 0
    for piece in pieces[:-1]:
        sign = _SIGN.match(latex, position + len(piece))
        assert sign is not None
        signs.append(sign.group())
        position = sign.end()
    return signs


# In this order: a comma binds less than an equals sign, that less than a colon, and \pm is read inside all of them.
_READERS: tuple[Callable[[str, int], Answer | None], ...] = (
    _read_form,
    _read_list,
    _read_chain,
    _read_words,
    _read_ratio,
    _read_bracket,
    _read_plus_minus,
)
