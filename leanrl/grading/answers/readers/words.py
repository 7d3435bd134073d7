"""Answers in words, and when two of them are the same."""

import re

from leanrl.grading.answers.nodes import Answer, Read
from leanrl.grading.tables import notations
from leanrl.grading.tables.phrases import ARTICLES

_SUBSCRIPT = re.compile(r"_\s?\{?\s?\\text\s?\{[^{}]*\}")
_NAMES_IN_COMMANDS = re.compile(r"\\(?:begin|end|operatorname)\s?\{\w+\*?\}")
_RUN = re.compile(rf"(?<![A-Za-z\\])(?!(?:{notations.NO_WORDS})(?![A-Za-z]))[A-Za-z]{{4,}}(?![A-Za-z])")
_IN_WORDS = re.compile(notations.IN_WORDS, re.IGNORECASE)
_TOKEN = re.compile(notations.COUNTS_IN_WORDS)
_PLAIN_BRACKETS = re.compile(r"\(([^\W\d_][^()\d\\=<>+*/^,;-]*+)\)|\((-?\d+(?:\.\d+)?)\)")
_VOWEL = re.compile(r"[aeiou]", re.IGNORECASE)


def read_words(latex: str, read: Read) -> Answer | None:
    """Return an answer in words; a run of letters beside a sign or a digit is a product, as one without vowels is."""
    text = _SUBSCRIPT.sub("", _NAMES_IN_COMMANDS.sub("", latex))
    has_word = any(_is_word(run, text) for run in _RUN.finditer(text))
    return Answer(latex, "words", (), spell(latex)) if has_word or _IN_WORDS.search(text) else None


def spell(latex: str) -> tuple[str, ...]:
    """Return what counts in a text: its words in lower case, numbers, signs, and brackets around more than a word."""
    plain = _PLAIN_BRACKETS.sub(lambda bracket: f" {bracket[1] or bracket[2]} ", latex.casefold())
    tokens = [_decimal(match["token"]) for match in _TOKEN.finditer(plain) if match["token"]]
    return tuple(tokens[1:] if tokens[1:] and tokens[0] in ARTICLES else tokens)


def is_product(letters: str) -> bool:
    """Return whether a run of letters is a product: abcd, xyz, LWH; not Yes, area."""
    first = ord(min(letters))
    is_run = sorted(map(ord, letters)) == list(range(first, first + len(letters)))
    return (letters.islower() or letters.isupper()) and (is_run or not _VOWEL.search(letters))


def _is_word(run: re.Match[str], text: str) -> bool:
    before, after = text[max(0, run.start() - 1) : run.start()], text[run.end() : run.end() + 1]
    is_factor = before.isdigit() or before in tuple("^+*") or after in tuple("^+*") or text[: run.start()] == "-"
    return not (is_factor or is_product(run.group()))


def _decimal(token: str) -> str:
    """Return a decimal without zeros at its end, else the token."""
    return token.rstrip("0").rstrip(".") if re.fullmatch(r"\d+\.\d+", token) else token
