"""One spelling for the many of an answer, so that little is left to a parser."""

import re

from leanrl.grading.tables import spellings
from leanrl.grading.text.arguments import brace_arguments
from leanrl.grading.text.brackets import trim
from leanrl.grading.text.characters import spell_in_latex
from leanrl.grading.text.dressing import undress
from leanrl.grading.text.numbers import is_grouped, join_at_commas, join_groups, write_out
from leanrl.grading.text.repeating import as_fractions
from leanrl.grading.text.rules import apply_rules, compiled
from leanrl.grading.text.sentence import drop_sentence
from leanrl.grading.units.compounds import join_compounds
from leanrl.grading.units.marking import mark_currencies, mark_units
from leanrl.grading.units.numerals import read_numerals

_ESCAPED_TWICE = compiled(spellings.ESCAPED_TWICE)
_DELIMITERS = compiled(spellings.DELIMITERS)
_COMMANDS = compiled(spellings.SPACING, spellings.SYNONYMS, spellings.FUNCTIONS)
_WORDS_SET = compiled(spellings.ANGLES_AND_TIMES, spellings.FONTS, spellings.RELATIONS)
_PERCENT = compiled(spellings.PERCENT)
_JOINTS = compiled(spellings.PRIMES, spellings.CURRENCY_LEFT, spellings.WORDS)
_LAST = compiled(spellings.NUMBERS, spellings.LAST)
_SET_WORDS = re.compile(r"\\text\s*+\{([^{}]*+)\}")
_EMPTY_WORDS = re.compile(r"\\text\s*+\{\s*+\}")
_JOINT_IN_WORDS = re.compile(rf"(?:,\s?)?(?<![A-Za-z\\-])({spellings.JOINT})(?![A-Za-z-])(?:\s?,)?")
_NAME = re.compile(r"\s*+[A-Za-z'-]++(?: [A-Za-z'-]++){0,2}+\s*+")


def normalise(text: str) -> str:
    """Return the answer in the one spelling that the rest of this room reads.

    Nothing that changes what is meant is touched; what is unclear is left for the parser to refuse.
    """
    text = spell_in_latex(text)
    if r"\begin" not in text:  # there, \\ ends a row
        text = apply_rules(_ESCAPED_TWICE, text)
    text = undress(apply_rules(_DELIMITERS, join_groups(text)))
    text = write_out(as_fractions(brace_arguments(apply_rules(_COMMANDS, text))))
    text = drop_sentence(trim(apply_rules(_WORDS_SET, text)))
    text = read_numerals(trim(apply_rules(_PERCENT, text)))
    text = join_compounds(mark_currencies(text))
    text = mark_units(_EMPTY_WORDS.sub("", _SET_WORDS.sub(_with_joints_outside, text)))
    text, unit = _detach_unit(trim(apply_rules(_JOINTS, text)))
    text = apply_rules(_LAST, text)
    if not (text.startswith(("(", "[", r"\{")) or (is_grouped(text) and not unit)):  # these may be lists
        text = join_at_commas(text)
    return trim(text) + unit


def _detach_unit(text: str) -> tuple[str, str]:
    """Return a text without the unit that ends it, and that unit."""
    start = text.rfind(r"\unit{")
    return (trim(text[:start]), text[start:]) if start >= 0 and text.find("}", start) == len(text) - 1 else (text, "")


def _with_joints_outside(words: re.Match[str]) -> str:
    r"""Return \text{a and b} as \text{a } \text{and} \text{ b}; a list of names has its commas outside too."""
    pieces = words[1].split(",")
    is_list = len(pieces) > 1 and all(_NAME.fullmatch(piece) for piece in pieces)
    text = _JOINT_IN_WORDS.sub(r"} \\text{\1} \\text{", words[1])
    return r"\text{" + (text.replace(",", r"},\text{") if is_list else text) + "}"
