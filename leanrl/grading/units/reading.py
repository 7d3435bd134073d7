"""What the text of a unit measures: km/h, m s^-1, square feet, dollars per hour, red marbles."""

import re
from dataclasses import replace
from fractions import Fraction
from functools import cache, lru_cache

from leanrl.grading.tables import units as table
from leanrl.grading.tables.nouns import ALONE, COUNT_NOUNS, FILLERS, QUALIFIERS, SINGULARS
from leanrl.grading.units.unit import Unit, convert, count_of

Readings = tuple[Unit, ...]

MAX_UNIT_CHARS = 80
# A power that is written in one with its unit, a word, a power, a slash, or what stands between them.
_TOKEN = re.compile(rf"({'|'.join(table.JOINED)}|[^\W\d_]+(?:-[^\W\d_]+)*|[°%‰]|\^-?\d)|[·.*\s]")
_WORD = re.compile(r"[^\W\d_]+")
_IN_ALL = re.compile(r"\bin (?=all|total)")
_PLURAL = re.compile(r"(?<=\w\w)(?P<y>ies)$|(?:(?<=ss)|(?<=x)|(?<=ch)|(?<=sh))es$|(?<!s)s$")
_MAX_WORDS = 2  # of a name in the table
_MAX_READINGS = 6  # of one unit
PROBLEMS_OWN = "#"  # before a noun of the problem's text, which stands in no table
COMPOUND = "+"  # between the units of one value, hours+minutes; it counts the first


def read_unit(text: str) -> Readings | None:
    """Return all readings of a unit's text, None if one of its words stands in no table."""
    first, *smaller = _IN_ALL.sub("", text).strip().split(COMPOUND)
    readings = _read_unit(first) if 0 < len(first) <= MAX_UNIT_CHARS else None
    if not smaller or readings is None:
        return readings
    return tuple(one for one in readings if all(convert((one,), read_unit(other) or ()) for other in smaller)) or None


def is_certain(text: str) -> bool:
    """Return whether the bare letters of a unit can be no product of variables: one name or long symbol is enough."""
    words = _WORD.findall(text)
    return not words or any(map(is_certain_symbol, words))


def is_doubtful(text: str) -> bool:
    """Return whether bare letters are a unit if what they are compared with is a number: m, m/s, N."""
    return all(word in table.DOUBTFUL_SYMBOLS for word in _WORD.findall(text))


def is_certain_symbol(word: str) -> bool:
    """Return whether one bare word can be no product of variables."""
    return (
        word in table.CERTAIN_SYMBOLS
        or (not word.isascii() and "µ" not in word)
        or (len(word) > 2 and word not in _symbols())
    )


@lru_cache(maxsize=4096)
def _read_unit(text: str) -> Readings | None:
    if text.startswith(PROBLEMS_OWN):
        *adjectives, noun = text.removeprefix(PROBLEMS_OWN).split()
        return (count_of(singular_of(noun), frozenset(adjectives)),)
    if _TOKEN.sub("", text):
        return None
    sides: list[list[str]] = [[]]
    for word in _TOKEN.findall(text):
        if word in table.PER or (word in ("a", "an") and sides[-1] and sides[-1][-1] != "of"):
            sides.append([])
        elif word:
            sides[-1].append(word)
    readings: Readings = (Unit(()),)
    for number, side in enumerate(sides):
        factor = _read_side(side) if side or number or len(sides) == 1 else readings  # per hour
        if factor is None:
            return None
        readings = _product(readings, tuple(unit ** (-1 if number else 1) for unit in factor))
    return readings


def _read_side(words: list[str]) -> Readings | None:
    """Return the product of what stands on one side of a slash: units with their powers, or things counted."""
    end = words.index("of", 1) if "of" in words[1:] else len(words)
    product: Readings = (Unit(()),)
    described, power_ahead, position = words[end:], 1, 0
    while position < end:
        factor, length = _longest_name(words[:end], position)
        power, num_powers = _power_behind(words, position + max(length, 1))
        if factor is not None:
            product = _product(product, tuple(unit ** (power * power_ahead) for unit in factor))
            power_ahead = 1
            position += num_powers
        elif words[position].casefold() in table.POWERS_BEFORE:
            power_ahead = table.POWERS_BEFORE[words[position].casefold()]
        else:
            described.insert(0, words[position])
            power_ahead, position = (power, position + num_powers) if num_powers else (power_ahead, position)
        position += max(length, 1)
    return _with_things(product, power_ahead, [word.casefold() for word in described])


def _with_things(units: Readings, power: int, words: list[str]) -> Readings | None:
    """Return units with the words beside them: what is counted, if nothing is measured, and which of it."""
    if not all(word in FILLERS or word in QUALIFIERS or _noun(word) for word in words):
        return None
    qualifiers = {_noun(word) or word for word in words if word not in FILLERS}
    if not units[0].dimensions:
        head = next((noun for word in words if (noun := _noun(word))), None)
        if head is None:
            return units if words and not qualifiers and ALONE & set(words) else None
        units, power, qualifiers = (count_of(head) ** power,), 1, qualifiers - {head}
    return tuple(replace(one, qualifiers=frozenset(qualifiers)) for one in units) if power == 1 else None


def _longest_name(words: list[str], position: int) -> tuple[Readings | None, int]:
    """Return the readings of the longest name in the table that begins here, and of how many words it is."""
    for length in range(min(_MAX_WORDS, len(words) - position), 0, -1):
        key = "_".join(words[position : position + length])
        readings = _symbols().get(key) or _names().get(key.casefold())
        if readings:
            return readings, length
    return None, 0


def _power_behind(words: list[str], position: int) -> tuple[int, int]:
    """Return the power that is written here, and in how many words."""
    word = words[position].casefold() if position < len(words) else ""
    if word.startswith("^"):
        return int(word[1:]), 1
    return (table.POWERS_BEHIND[word], 1) if word in table.POWERS_BEHIND else (1, 0)


def _product(one: Readings, other: Readings) -> Readings:
    """Return the products of all readings; a neutral one leaves an offset as it is."""
    return tuple(right if not left.dimensions else left * right for left in one for right in other)[:_MAX_READINGS]


def singular_of(word: str) -> str:
    """Return a word without the ending of a plural."""
    return SINGULARS.get(word) or _PLURAL.sub(lambda ending: "y" if ending["y"] else "", word)


def _noun(word: str) -> str | None:
    """Return a word for things that are counted in its singular, None for any other word."""
    return next((one for one in (SINGULARS.get(word, word), singular_of(word)) if one in COUNT_NOUNS), None)


@cache
def _names() -> dict[str, Readings]:
    """Return the readings of the names in the table."""
    found: dict[str, Readings] = {}
    for dimensions, rows in table.NAMES.items():
        words = dimensions.split()
        powers = tuple(sorted(zip(words[::2], map(int, words[1::2] or ["1"]), strict=True)))
        for row in rows.strip().splitlines():
            (scale, *offset), names = (part.split() for part in row.split(":"))
            unit = Unit(powers, Fraction(scale.removesuffix("/pi")), -scale.endswith("/pi"), Fraction(*offset))
            found |= {name: (*found.get(name, ()), unit) for name in names}
    for prefix, power in table.LONG_PREFIXES.items():
        for name in table.PREFIXED_NAMES:
            for plural in ("", "s"):
                found.setdefault(prefix + name + plural, _scaled(found[name], power))
    return found


@cache
def _symbols() -> dict[str, Readings]:
    """Return the readings of the symbols in the table, with all their prefixes; what is written out comes first."""
    found = {name: _names()[target] for name, target in table.PREFIXED_SYMBOLS.items()}
    for symbol, target in table.PREFIXED_SYMBOLS.items():
        for prefix, power in table.PREFIXES.items():
            found.setdefault(prefix + symbol, _scaled(_names()[target], power))
    for symbol, targets in table.SYMBOLS.items():
        own = found.get(symbol, ()) if symbol in table.PREFIXED_SYMBOLS else ()
        found[symbol] = own + tuple(unit for target in targets.split() for unit in _names()[target])
    del found["pm"], found["Pm"], found["Grad"]  # half of a day, and degrees in German
    return found


def _scaled(readings: Readings, power: int) -> Readings:
    return tuple(replace(unit, scale=unit.scale * Fraction(10) ** power) for unit in readings)
