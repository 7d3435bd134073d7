"""Answers of a written form of their own: bases, choices, congruences, set builders, systems."""

import re

from leanrl.grading.answers.nodes import Answer, Based, Choice, Items, Modulo, Read
from leanrl.grading.text.characters import squeeze

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


def read_form(latex: str, read: Read) -> Answer | None:
    """Return an answer of a written form of its own."""
    if based := _BASED.fullmatch(latex):
        base = re.sub(r"\\text|[{}\s]", "", based["base"])
        return Based(latex, based["sign"] + (based["digits"].lstrip("0") or "0"), base)
    if choice := _CHOICE.fullmatch(latex):
        value = choice["value"]
        return Choice(latex, choice["letter"], read(value) if value else None)
    if modulo := _MODULO.fullmatch(latex):
        return Modulo(latex, read(modulo["value"]), squeeze(modulo["modulus"]))
    if builder := _SET_BUILDER.fullmatch(latex):
        return read(builder["rule"])
    if system := _SYSTEM.fullmatch(latex):
        rows = [row.strip(" ,;") for row in system["rows"].split(r"\\")]
        return Items(latex, tuple(read(row) for row in rows if row))
    return None
