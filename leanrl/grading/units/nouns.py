r"""Nouns of a problem's own text as units: 5 glorps is 5 where the problem counts glorps.

The table knows common things that are counted; a problem may count any. Its noun is marked \unit{#glorps}.
"""

import re
from functools import lru_cache

from leanrl.grading.answers.readers.words import is_product
from leanrl.grading.tables.nouns import NO_NOUNS, NUMBER_WORDS, QUALIFIERS
from leanrl.grading.tables.numerals import FORMS, PARTS
from leanrl.grading.units.reading import PROBLEMS_OWN, read_unit, singular_of

_NUMBERS = "|".join(sorted(NUMBER_WORDS))
_FORMULA = re.compile(r"\$\s{0,2}(?P<number>\d[\d.,]{0,20})\s{0,2}\$|\$[^$]*+\$|\\\((?:[^\\]|\\[^()])*+\\\)")
_COUNTED = re.compile(
    rf"(?:\b(?P<asked>how many|number of)|\d|\b(?:{_NUMBERS}))\s{{1,3}}"
    r"(?=(?P<one>[a-z]{1,20})\b(?:\s{1,3}(?P<other>[a-z]{1,20})\b)?)",
    re.IGNORECASE,
)
# The number words of other languages are in no list, so that only a problem in English counts things.
_ENGLISH = re.compile(r"\b(?:the|how|what|each|find|has|have|is|are)\b", re.IGNORECASE)
_PHRASE = r"[A-Za-z]{3,20}(?: [A-Za-z]{3,20})?"
_BEHIND_VALUE = re.compile(
    rf"(?<=[\d}}])(?:\s?\\text\s?\{{\s?(?P<set>{_PHRASE})\.?\s?\}}|\s(?P<bare>{_PHRASE})\.?)"
    r"(?=\s?(?:$|[,;)\]]|\\\}|\\text\{(?:and|or)\}))"
)
_NO_NOUNS = (NO_NOUNS, NUMBER_WORDS, PARTS, FORMS)
_MAX_PROBLEM_CHARS = 20_000


def mark_nouns(text: str, problem: str | None) -> str:
    r"""Return a normalised text with the nouns that its problem counts as \unit{...}.

    A noun may have an adjective, which stands before it in the problem as well. A number word, an operator, a letter
    and a unit of the table are none: they say what the number is.
    """
    if problem is None:
        return text
    nouns, words = _counted_in(problem[:_MAX_PROBLEM_CHARS])

    def mark(match: re.Match[str]) -> str:
        *adjectives, noun = (match["set"] or match["bare"]).casefold().split()
        is_known = all(one in QUALIFIERS or f" {one} {noun} " in words for one in adjectives)
        if singular_of(noun) not in nouns or not is_known or not all(map(_may_be_noun, [*adjectives, noun])):
            return match.group()
        return rf"\unit{{{PROBLEMS_OWN}{' '.join([*adjectives, noun])}}}"

    return _BEHIND_VALUE.sub(mark, text) if nouns else text


@lru_cache(maxsize=1024)
def _counted_in(problem: str) -> tuple[frozenset[str], str]:
    """Return the nouns behind the values of a problem, in the singular, and its words with single spaces.

    Behind a value stands a plural, with one word between them at most; right behind "how many", any noun.
    """
    if not _ENGLISH.search(problem):
        return frozenset(), ""
    plain = _FORMULA.sub(lambda formula: formula["number"] or " ; ", problem)
    nouns = {
        singular_of(word)
        for match in _COUNTED.finditer(plain)
        for name in ("one", "other")
        if _may_be_noun(word := (match[name] or "").casefold())
        if singular_of(word) != word or (match["asked"] and name == "one")
    }
    return frozenset(nouns), f" {' '.join(re.findall(r'[a-z]+', plain.casefold()))} "


def _may_be_noun(word: str) -> bool:
    """Return whether a word is no number, no operator, no letters of a product, and no unit of the table."""
    is_other = any(form in words for form in (word, singular_of(word)) for words in _NO_NOUNS)
    is_unit = any(one.physical for one in read_unit(word) or ())
    return len(word) > 2 and not (is_other or is_product(word) or is_unit)
