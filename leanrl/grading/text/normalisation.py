"""One spelling for the many of an answer, so that little is left to a parser."""

import re

from leanrl.grading.tables import spellings
from leanrl.grading.text.arguments import brace_arguments
from leanrl.grading.text.brackets import trim
from leanrl.grading.text.characters import spell_in_latex
from leanrl.grading.text.dressing import undress
from leanrl.grading.text.numbers import THOUSANDS
from leanrl.grading.text.repeating import as_fractions
from leanrl.grading.text.sentence import drop_sentence
from leanrl.grading.units.compounds import join_compounds
from leanrl.grading.units.marking import mark_currencies, mark_units
from leanrl.grading.units.numerals import read_numerals

Rule = tuple[re.Pattern[str], str]


def _compiled(rules: spellings.Rules) -> tuple[Rule, ...]:
    return tuple((re.compile(pattern), replacement) for pattern, replacement in rules)


_DELIMITERS = _compiled(spellings.DELIMITERS)
_SPACING = _compiled(spellings.SPACING)
_SYNONYMS = _compiled(spellings.SYNONYMS)
_FUNCTIONS = _compiled(spellings.FUNCTIONS)
_ANGLES_AND_TIMES = _compiled(spellings.ANGLES_AND_TIMES)
_PERCENT = _compiled(spellings.PERCENT)
_FONTS = _compiled(spellings.FONTS)
_WORDS = _compiled(spellings.WORDS)
_NUMBERS = _compiled(spellings.NUMBERS)
_LAST = _compiled(spellings.LAST)
_SET_WORDS = re.compile(r"\\text\s*+\{([^{}]*+)\}")
_EMPTY_WORDS = re.compile(r"\\text\s*+\{\s*+\}")
_JOINT_IN_WORDS = re.compile(rf"(?:,\s?)?(?<![A-Za-z\\-])({spellings.JOINT})(?![A-Za-z-])(?:\s?,)?")
_CURRENCY = re.compile(r"\\\$|[£€¥₹₽¢]")  # what stands beside no number
_DOUBLED_BACKSLASH = re.compile(r"\\\\(?=[A-Za-z])")
_MIXED_NUMBER = re.compile(r"^([-+]?\d{1,20}) +(\d{1,20})/(\d{1,20})$")
# 1.234.567,89 and 1.234,56; 1'234'567; 1_000_000
_CONTINENTAL = re.compile(r"(?<![\d.,])(\d{1,3})((?:\.\d{3})++)(?:,(\d++)|(?<=\d{3}\.\d{3}))(?![\d.,])")
_MARKED_THOUSANDS = re.compile(r"(?<![\d.,'_])\d{1,3}(?:(?:'\d{3})++|(?:\\?_\d{3})++)(?![\d'_])")
_SPACED_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?![\d,])")
_THOUSANDS = re.compile(r"(?<![\d.,])(?:\d{1,3}(?:,\d{3})++|\d{1,2}(?:,\d{2}(?!\d))++,\d{3})(?![\d,])")


def normalise(text: str) -> str:
    """Return the answer in the one spelling that the rest of this room reads.

    Nothing that changes what is meant is touched; what is unclear is left for the parser to refuse.
    """
    text = spell_in_latex(text)
    if r"\begin" not in text:  # there, \\ ends a row; elsewhere it is a backslash escaped once too often
        text = _DOUBLED_BACKSLASH.sub(r"\\", text)
    text = _MARKED_THOUSANDS.sub(lambda number: re.sub(r"\D", "", number.group()), text)
    text = undress(_apply(_DELIMITERS, text))
    text = _apply(_SPACING, text)
    text = _apply(_FUNCTIONS, _apply(_SYNONYMS, text))
    text = as_fractions(brace_arguments(text))
    text = _apply(_ANGLES_AND_TIMES, text)
    text = drop_sentence(trim(_apply(_FONTS, text)))
    text = read_numerals(trim(_apply(_PERCENT, text)))
    text = join_compounds(mark_currencies(text))
    text = _EMPTY_WORDS.sub("", _SET_WORDS.sub(_with_joints_outside, text))
    text = _CURRENCY.sub("", mark_units(text))
    text, unit = _detach_unit(trim(_apply(_WORDS, text)))
    text = _apply(_NUMBERS, text)
    text = _MIXED_NUMBER.sub(_mixed_number, text)
    text = _CONTINENTAL.sub(_continental, text)
    text = _SPACED_THOUSANDS.sub(lambda number: number.group().replace(" ", ""), text)
    if not (text.startswith(("(", "[", r"\{")) or (THOUSANDS.fullmatch(text) and not unit)):  # these may be lists
        text = _THOUSANDS.sub(lambda number: number.group().replace(",", ""), text)
    return trim(_apply(_LAST, text)) + unit


def _detach_unit(text: str) -> tuple[str, str]:
    """Return a text without the unit that ends it, and that unit."""
    start = text.rfind(r"\unit{")
    return (trim(text[:start]), text[start:]) if start >= 0 and text.find("}", start) == len(text) - 1 else (text, "")


def _apply(rules: tuple[Rule, ...], text: str) -> str:
    for pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    return text


def _with_joints_outside(words: re.Match[str]) -> str:
    r"""Return \text{a and b} as \text{a } \text{and} \text{ b}."""
    return r"\text{" + _JOINT_IN_WORDS.sub(r"} \\text{\1} \\text{", words[1]) + "}"


def _continental(match: re.Match[str]) -> str:
    """Return 1.234,56 with a decimal point and no others."""
    whole, thousands, decimals = match.groups()
    return whole + thousands.replace(".", "") + (f".{decimals}" if decimals else "")


def _mixed_number(match: re.Match[str]) -> str:
    r"""Return 1 1/2 as 1\frac{1}{2}; 11 6/6 is no mixed number, and is left for the parser to refuse."""
    whole, over, under = match.groups()
    return rf"{whole}\frac{{{over}}}{{{under}}}" if int(over) < int(under) else match.group()
