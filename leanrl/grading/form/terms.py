"""A normalised expression as it is written: sums, products, powers, nothing computed.

The reader takes every text: a token that it does not know is a symbol. It needs no parser and takes one pass.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Literal

from leanrl.grading.tables.operators import CALLED, CLOSERS, CLOSING, SEPARATORS, SIGNS, TIMES, TOKEN

Kind = Literal["number", "symbol", "sum", "product", "fraction", "power", "root", "call", "list"]

_TOKEN = re.compile(TOKEN, re.DOTALL)
_DECIMAL = re.compile(r"-?\d{1,400}(?:\.\d{1,400})?")
_ENDS = CLOSERS | SEPARATORS
_MAX_DEPTH, _MAX_MARKS = 40, 8  # deeper than any answer is nested, more than any has behind one letter


@dataclass(frozen=True)
class Term:
    """A node: its kind, its text where it is a leaf or a call, and its parts in the order in which they are written."""

    kind: Kind
    text: str = ""
    parts: tuple["Term", ...] = ()

    @cached_property
    def key(self) -> str:
        """A text that is the same for terms that differ in the order of summands or factors only."""
        keys = [part.key for part in self.parts]
        if self.kind in ("sum", "product"):
            keys.sort()
        return f"{self.kind}{self.text}({' '.join(keys)})" if self.parts else self.text

    @property
    def is_number(self) -> bool:
        """Whether the value is rational for sure: a number, or made of numbers without a root or a function."""
        numbers = ("number", "sum", "product", "fraction")
        nodes = [node for node in self.walk() if node.kind not in numbers]
        return all(node.kind == "power" and node.parts[1].integer is not None for node in nodes)

    @cached_property
    def rational(self) -> Fraction | None:
        """The rational number that is written, with its sign; None for anything else."""
        if self.kind == "number" and _DECIMAL.fullmatch(self.text):
            return Fraction(self.text)
        over, under = (part.rational for part in self.parts) if len(self.parts) == 2 else (None, None)
        if over is None or not under:
            return None
        return over / under if self.kind == "fraction" else over * under if MINUS in self.parts[:1] else None

    @property
    def integer(self) -> int | None:
        """The whole number that is written, with its sign; None for anything else."""
        value = self.rational
        return value.numerator if value is not None and value.denominator == 1 else None

    def walk(self) -> list["Term"]:
        """Return this node and all below it."""
        return [self, *(below for part in self.parts for below in part.walk())]


MINUS = Term("number", "-1")


def read_term(latex: str) -> Term:
    """Return a normalised text as a tree of what is written."""
    reader = _Reader(_TOKEN.findall(latex))
    pieces = []
    while reader.token is not None:
        pieces.append(reader.read_list(0))
        if reader.token is not None:  # a bracket that nothing opened
            pieces.append(Term("symbol", reader.take()))
    return _as_one("list", pieces) if pieces else Term("list")


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._position = 0
        self._is_in_bars = False  # there, a bar closes

    @property
    def token(self) -> str | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def take(self) -> str:
        self._position += 1
        return self._tokens[self._position - 1]

    def read_list(self, depth: int) -> Term:
        """Return what stands up to a closing bracket: an expression, or several between separators."""
        items = [self._sum(depth)]
        while self.token in SEPARATORS:
            self.take()
            items.append(self._sum(depth))
        return _as_one("list", items)

    def _sum(self, depth: int) -> Term:
        terms: list[Term] = []
        while not self._ends():
            signs = []
            while self.token in SIGNS:
                signs.append(self.take())
            product = self._product(depth)
            if signs[1:]:  # -(-5) without its brackets
                product, signs = Term("call", "".join(signs), (product,)), []
            terms.append(_negative(product) if signs == ["-"] else product)
        return _as_one("sum", terms)

    def _product(self, depth: int) -> Term:
        factors: list[Term] = []
        num_before_times = 0
        while not self._ends() and self.token not in SIGNS:
            if self.token in TIMES:
                self.take()
                num_before_times = num_before_times or len(factors)
                if self.token == "-":  # 2 \cdot -3
                    self.take()
                    factors.append(MINUS)
            elif self.token == "/" and factors:
                self.take()
                under = self._argument(depth) if self.token == "-" else self._factor(depth)
                factors[-1] = _divided(factors[-1], under)
            else:
                factors.append(self._factor(depth))
        return _as_one("product", _with_whole_numbers(factors, num_before_times))

    def _factor(self, depth: int) -> Term:
        base = self._base(depth)
        for _ in range(_MAX_MARKS):
            if self.token not in ("^", "_", "!", "'"):
                break
            mark = self.take()
            if mark == "!":
                base = Term("call", "!", (base,))
            elif mark == "'":
                base = Term("symbol", base.key + "'")
            else:
                argument = self._argument(depth)
                if mark == "_":
                    base = Term("symbol", f"{base.key}_{argument.key}")
                elif argument.text not in (r"\circ", "'"):
                    base = Term("power", "", (base, argument))
        return base

    def _base(self, depth: int) -> Term:
        if self._ends():
            return Term("symbol")
        token = self.take()
        if depth >= _MAX_DEPTH:
            return Term("symbol", token)
        if token in CLOSING:
            return self._group(token, depth)
        if token in (r"\frac", r"\binom"):
            parts = (self._argument(depth), self._argument(depth))
            return _fraction(*parts) if token == r"\frac" else Term("call", token, parts)
        if token == r"\sqrt":
            index = self._group("[", depth) if self.token == "[" and self.take() else Term("number", "2")
            return Term("root", "", (self._argument(depth), index))
        if token in CALLED:
            return self._call(token, depth)
        return Term("number" if token[0].isdecimal() else "symbol", token)

    def _group(self, opening: str, depth: int) -> Term:
        was_in_bars, self._is_in_bars = self._is_in_bars, opening == "|"
        inside = self.read_list(depth + 1)
        self._is_in_bars = was_in_bars
        if self.token is not None and self.token in CLOSING[opening]:
            self.take()
        return inside if opening in ("(", "[", "{", r"\{") else Term("call", opening, (inside,))

    def _call(self, name: str, depth: int) -> Term:
        """Return a function with its argument; the base of \\log_2 x is a part of it, \\sin^2 x is its power."""
        scripts: dict[str, list[Term]] = {"^": [], "_": []}
        while self.token in scripts:
            scripts[self.take()].append(self._argument(depth))
        argument = [self._factor(depth + 1)]
        while self.token is not None and (self.token.isalpha() or self.token in (r"\pi", r"\theta", r"\alpha")):
            argument.append(self._factor(depth + 1))
        call = Term("call", name, (_as_one("product", argument), *scripts["_"]))
        return Term("power", "", (call, scripts["^"][0])) if scripts["^"] else call

    def _argument(self, depth: int) -> Term:
        if self.token == "-":
            self.take()
            return _negative(self._base(depth + 1))
        return self._base(depth + 1)

    def _ends(self) -> bool:
        return self.token is None or self.token in _ENDS or (self._is_in_bars and self.token == "|")


def _as_one(kind: Kind, parts: list[Term]) -> Term:
    """Return a sum, a product or a list of parts; one part is itself, none a symbol without a text."""
    return parts[0] if len(parts) == 1 else Term(kind, "", tuple(parts)) if parts else Term("symbol")


def factors_of(term: Term) -> tuple[Term, ...]:
    return term.parts if term.kind == "product" else (term,)


def _divided(term: Term, under: Term) -> Term:
    """Return a quotient; a/b/c is a over bc."""
    if term.kind != "fraction":
        return _fraction(term, under)
    return Term("fraction", "", (term.parts[0], Term("product", "", (*factors_of(term.parts[1]), under))))


def _negative(term: Term) -> Term:
    return Term("product", "", (MINUS, *factors_of(term)))


def _fraction(over: Term, under: Term) -> Term:
    """Return a fraction; a minus above or below stands before it."""
    if MINUS in factors_of(over)[:1]:
        return _negative(_fraction(_as_one("product", list(factors_of(over)[1:])), under))
    if MINUS in factors_of(under)[:1]:
        return _negative(_fraction(over, _as_one("product", list(factors_of(under)[1:]))))
    return Term("fraction", "", (over, under))


def _with_whole_numbers(factors: list[Term], num_before_times: int) -> list[Term]:
    r"""Return the factors with a mixed number, 1\frac{1}{2}, or a scientific one, 6.4 \cdot 10^2, as one number.

    1 \cdot \frac{1}{2} is two.
    """
    first = next((place for place, factor in enumerate(factors) if factor.kind == "number" and factor != MINUS), None)
    if first is None or first + 1 >= len(factors):
        return factors
    number, follower = factors[first], factors[first + 1]
    is_proper = follower.kind == "fraction" and 0 < (follower.rational or 0) < 1
    is_mixed = is_proper and number.integer is not None and first + 1 != num_before_times
    is_power = follower.kind == "power" and follower.parts[0].integer == 10 and follower.parts[1].integer is not None
    if not is_mixed and not is_power:
        return factors
    return [*factors[:first], Term("number", f"{number.text} {follower.key}"), *factors[first + 2 :]]
