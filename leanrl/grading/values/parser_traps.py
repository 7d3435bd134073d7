r"""Spellings that latex2sympy2_extended 1.11.0 reads as something else, written so that it does not.

It adds where `2(3)` and `(2)(3)` multiply (it takes them for mixed numbers), reads R and r as one variable, f' as f,
dcba as a derivative, I_{max} as the imaginary unit, and n!! as the factorial of n!.
"""

import re
from typing import Any

from sympy import Expr, binomial, factorial2

from leanrl.grading.text.numbers import is_count, with_counts
from leanrl.grading.units.quantities import without_common_unit

_PRODUCT = re.compile(r"(?<![\w.^_}\\])(\d+(?:\.\d+)?|\\pi)\s*(?=[(\[])|(\))\s*(?=[(\d])")
_VECTOR = re.compile(r"\\vec\{([a-z])\}")
_PRIMES = re.compile(r"([A-Za-z])(?:\^\s*+(?:\{\s*+)?((?:\\prime\s*+)++)\}?|('++))")
_PRIME = re.compile("'|prime")
_LETTER = re.compile(r"\\(?:mathbb|operatorname|begin|end)\s*\{\w+\*?\}|\\[A-Za-z]+|[A-Za-z]+")
_WORD_SUBSCRIPT = re.compile(r"_\s*\{\s*(?:\\text\s*\{\s*)?\\?([A-Za-z]{2,})\s*(?:\}\s*)?\}")
_IMAGINARY_WITH_SUBSCRIPT = re.compile(r"(?<![A-Za-z\\])[IEei](?=\s*_)")
_LETTERS_WITH_D = re.compile(r"(?<![A-Za-z\\{])(?=[a-ce-z]*d)(?!sqrt|mod)[a-z]{4,}(?![A-Za-z}])")
_COMBINATIONS = re.compile(r"(?<![A-Za-z\\])C\s?\(([^(),]*),([^(),]*)\)")
_LOG = re.compile(r"\\log(?![A-Za-z]|\s?_)")
_DOUBLE_FACTORIAL = re.compile(r"((?<!\d)\d++|(?<![A-Za-z])[A-Za-z]|\([^()]*+\))\s?!\s?!(?!\s?!)")
_OF_EVERY_SECOND = "xi_0"  # below a binomial coefficient: what stands above is a double factorial
_SPARE_LETTERS = "uvwqzjkpgbsmnlactrxyoh"  # no e, i, d, f: constants, differentials and functions


def avoid_traps(gold: str, answer: str) -> tuple[str, str]:
    """Return both texts with the parser's pitfalls avoided, in the same way in both."""
    gold, answer = _same_letters(*without_common_unit(gold, answer))
    if r"\ln" in gold and r"\ln" not in answer and not _LOG.search(gold):  # the gold answer says which one is meant
        answer = _LOG.sub(r"\\ln", answer)
    if not (is_count(gold) and is_count(answer)):  # two may be points
        gold, answer = with_counts(gold), with_counts(answer)
    if r"\binom" in gold + answer:  # beside one, C(n, 2) is no function
        gold, answer = (_COMBINATIONS.sub(r"\\binom{\1}{\2}", side) for side in (gold, answer))
    gold, answer = _rewrite(gold), _rewrite(answer)
    for letter in _letters_to_rename(gold + " " + answer):
        spare = next((one for one in _SPARE_LETTERS if one not in _letters(gold + " " + answer)), None)
        if spare is not None:
            gold, answer = _rename(gold, letter, spare), _rename(answer, letter, spare)
    return gold, answer


def with_double_factorials(parsed: Expr) -> Any:
    """Return what the parser made of a text that `avoid_traps` wrote, with its double factorials."""
    return parsed.replace(
        lambda node: isinstance(node, binomial) and getattr(node.args[1], "name", "") == _OF_EVERY_SECOND,
        lambda node: factorial2(node.args[0]),
    )


def _same_letters(gold: str, answer: str) -> tuple[str, str]:
    """Return both texts with plain letters for vectors where only one of them marks any; i alone may be imaginary."""
    vectors = _VECTOR.findall(gold) or _VECTOR.findall(answer)
    if vectors == ["i"] or all(map(_VECTOR.search, (gold, answer))):
        return gold, answer
    return _VECTOR.sub(r"\1 ", gold), _VECTOR.sub(r"\1 ", answer)


def _rewrite(latex: str) -> str:
    latex = _PRIMES.sub(lambda match: f"{match[1]}_{{{'p' * len(_PRIME.findall(match[0]))}}}", latex)
    latex = _LETTERS_WITH_D.sub(lambda letters: " ".join(sorted(letters.group(), key="d".__eq__)), latex)
    latex = _DOUBLE_FACTORIAL.sub(r"\\binom{\1}{\\Xi_0}", latex)
    latex = _WORD_SUBSCRIPT.sub(r"_{\1}", latex)
    return _PRODUCT.sub(lambda match: f"{match[1] or match[2]} \\cdot ", latex)


def _letters_to_rename(latex: str) -> list[str]:
    """Return capitals that stand beside their small letter, and constants that have a subscript."""
    letters = _letters(latex)
    capitals = {letter for letter in letters if letter.isupper() and letter.lower() in letters}
    return sorted(capitals | set(_IMAGINARY_WITH_SUBSCRIPT.findall(latex)))


def _letters(latex: str) -> set[str]:
    """Return the letters that stand for variables; not those of commands."""
    return {letter for token in _LETTER.findall(latex) if not token.startswith("\\") for letter in token}


def _rename(latex: str, letter: str, spare: str) -> str:
    return _LETTER.sub(
        lambda token: token.group() if token.group().startswith("\\") else token.group().replace(letter, spare), latex
    )
