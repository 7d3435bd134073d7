"""Digits in a written base, and values modulo something."""

import re

from leanrl.grading.answers.nodes import Answer, Based, Chain, Family, Modulo, Read
from leanrl.grading.text.characters import squeeze

_BASED = re.compile(
    r"(?P<sign>-?)\(?(?P<digits>[A-F]*+\d[0-9A-F]*+)\)?\s?"
    r"(?:_\s?(?:\{\s?)?\(?(?P<base>\d{1,2}|\\text\s?\{[^{}]*\}|[a-z]{3,8})\)?(?:\s?\})?|\\text\s?\{\s?base\s?\}\s?(?P<named>\d{1,2}))"
)
_BASES = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_MODULO = re.compile(r"(?P<value>.*\S)\s?\\pmod\{(?P<modulus>[^{}]+)\}", re.DOTALL)
_WHOLE = re.compile(r"-?\d{1,12}")
_PROGRESSION = re.compile(
    r"(?P<factor>\d{1,6})[a-z](?P<rest>[-+]\d{1,6})?|(?P<first_rest>-?\d{1,6})\+(?P<last_factor>\d{1,6})[a-z]"
)


def read_based(latex: str, read: Read) -> Answer | None:
    """Return digits and the base that is written behind them; a base in words is a number."""
    based = _BASED.fullmatch(latex)
    if based is None:
        return None
    base = re.sub(r"\\text|[{}\s]", "", based["base"] or based["named"]).lower()
    base = str(_BASES.index(base) + 2) if base in _BASES else base
    return Based(latex, based["sign"] + (based["digits"].lstrip("0") or "0"), base)


def read_modulo(latex: str, read: Read) -> Answer | None:
    r"""Return a value modulo something; two congruences are a list."""
    modulo = _MODULO.fullmatch(latex)
    if modulo is None or r"\pmod" in modulo["value"]:
        return None
    return Modulo(latex, read(modulo["value"]), squeeze(modulo["modulus"]))


def residue_class(answer: Answer) -> tuple[int, int] | None:
    r"""Return (residue, modulus) of 10 \pmod 7 and of 7k + 3, None if an answer has none in plain numbers."""
    value = answer.value if isinstance(answer, Modulo | Family) else answer
    text = squeeze(value.sides[1].latex if isinstance(value, Chain) and len(value.sides) == 2 else value.latex)
    if isinstance(answer, Modulo):
        plain = _WHOLE.fullmatch(text) and _WHOLE.fullmatch(answer.modulus) and int(answer.modulus) > 0
        return (int(text) % int(answer.modulus), int(answer.modulus)) if plain else None
    progression = _PROGRESSION.fullmatch(text)
    if progression is None:
        return None
    modulus = int(progression["factor"] or progression["last_factor"])
    return (int(progression["rest"] or progression["first_rest"] or 0) % modulus, modulus) if modulus else None
