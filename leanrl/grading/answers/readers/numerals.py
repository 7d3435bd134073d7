"""Digits in a written base, and values modulo something."""

import re

from leanrl.grading.answers.nodes import Answer, Read
from leanrl.grading.tables import notations
from leanrl.grading.text.characters import squeeze

_BASED = re.compile(notations.BASED)
_SMALL_DIGITS = re.compile(notations.SMALL_DIGITS)
_PROGRESSION = re.compile(notations.PROGRESSION)
_MODULO = re.compile(notations.MODULO, re.DOTALL)
_WHOLE = re.compile(r"-?\d{1,12}")


def read_based(latex: str, read: Read) -> Answer | None:
    """Return digits and the base that is written behind them; a base in words is a number."""
    based = _BASED.fullmatch(latex)
    if based is None:
        return None
    base = re.sub(r"\\text|[{}\s]", "", based["base"] or based["named"]).lower()
    digits = based["sign"] + (based["digits"].lstrip("0") or "0")
    return Answer(latex, "based", (), (digits, str(notations.BASES.get(base, base))))


def digits_and_base(answer: Answer) -> tuple[str, ...]:
    """Return the digits and the base of a number; ten, and ten only, goes without saying.

    Beside a number in a base, 2a_{16} is no product.
    """
    capital = _SMALL_DIGITS.sub(lambda digits: digits.group().upper(), answer.latex, count=1)
    based = answer if answer.kind == "based" else read_based(capital, Answer)
    return based.marks if based else (squeeze(answer.latex), "10")


def read_modulo(latex: str, read: Read) -> Answer | None:
    r"""Return a value modulo something; two congruences are a list."""
    modulo = _MODULO.fullmatch(latex)
    if modulo is None or r"\pmod" in modulo["value"]:
        return None
    value, marks = read(modulo["value"]), (squeeze(modulo["modulus"]),)
    residues = value.parts[1] if value.kind == "chain" and len(value.parts) == 2 else value
    if residues.kind == "list":  # x \equiv 1, 4 \pmod 5
        each = (Answer(rf"{one.latex} \pmod{{{marks[0]}}}", "modulo", (one,), marks) for one in residues.parts)
        return Answer(latex, "list", tuple(each), residues.marks)
    return Answer(latex, "modulo", (value,), marks)


def residue_class(answer: Answer) -> tuple[int, int] | None:
    r"""Return (residue, modulus) of 10 \pmod 7 and of 7k + 3, None if an answer has none in plain numbers."""
    value = answer.value if answer.kind in ("modulo", "family") else answer
    text = squeeze(value.parts[1].latex if value.kind == "chain" and len(value.parts) == 2 else value.latex)
    if answer.kind == "modulo":
        modulus = int(answer.marks[0]) if _WHOLE.fullmatch(answer.marks[0]) else 0
        return (int(text) % modulus, modulus) if _WHOLE.fullmatch(text) and modulus > 0 else None
    progression = _PROGRESSION.fullmatch(text)
    if progression is None:
        return None
    modulus = int(progression["factor"] or progression["last_factor"])
    return (int(progression["rest"] or progression["first_rest"] or 0) % modulus, modulus) if modulus else None
