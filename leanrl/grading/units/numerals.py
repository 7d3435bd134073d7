"""Numbers in words, and words that belong to a number: two hundred, 2 dozen, 3 halves, 5 squared, negative 5."""

import re
from fractions import Fraction

from leanrl.grading.tables import numerals as table

_MAX_WORDS = 3  # five hundred thousand million
_TWICE, _SPELLED, _MINUS, _NUMERAL = (
    re.compile(written, re.IGNORECASE) for written in (table.TWICE, table.SPELLED, table.MINUS, table.NUMERAL)
)


def read_numerals(text: str) -> str:
    """Return the text with numbers in words, where a value may begin, and the words behind numbers as digits; exact."""
    text = _TWICE.sub(_once, text)
    text = _SPELLED.sub(_in_digits, _MINUS.sub(lambda match: "-" + (match["text"] or ""), text))
    for _ in range(_MAX_WORDS):
        text = _NUMERAL.sub(_replace, text)
    return text


def _replace(match: re.Match[str]) -> str:
    number, word = match["number"].replace(",", ""), (match["set"] or match["bare"]).casefold()
    rest = match["rest"] or ""
    if word in table.FORMS:
        is_plain = not rest.strip() or word.startswith("and ")
        return table.FORMS[word].format(number) + rf"\text{{{rest}}}" if is_plain else match.group()
    is_part = word in table.PARTS
    value = rf"\frac{{{number}}}{{{table.PARTS[word]}}}" if is_part else str(Fraction(number) * table.MULTIPLES[word])
    return rf"{value} \text{{{rest}}}" if rest.strip() else value + " "


def _once(match: re.Match[str]) -> str:
    digits = match["digits"] or match["last_digits"]
    is_same = _value_of(match["words"] or match["first_words"]) == int(digits)
    return digits + (match["before_words"] or match["before_digits"] or " ") if is_same else match.group()


def _in_digits(match: re.Match[str]) -> str:
    value = _value_of(match["words"] or "one")
    return match.group() if value is None else f"{match['before']}{value} {match['text'] or ''}"


def _value_of(words: str) -> int | None:
    """Return the number that words name, None if they name several or none: twenty five, not five twenty."""
    parts: list[int] = []
    for word in re.findall(table.WORD_OF_A_NUMBER, words.casefold().replace(" and ", " ")):
        number = table.VALUES.get(word)
        if number is None:
            return None
        if word in table.MULTIPLES:
            smaller = [part for part in parts if part < number]
            parts, number = parts[: len(parts) - len(smaller)], number * (sum(smaller) or 1)
        if parts and number >= 10 ** (len(str(parts[-1])) - len(str(parts[-1]).rstrip("0"))):
            return None
        parts.append(number)
    return sum(parts)
