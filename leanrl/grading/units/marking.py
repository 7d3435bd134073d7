r"""Where the units of an answer stand: each becomes one command, \unit{km/h}, behind its value.

What is in no table stays as it is written: it is a word, a product of variables, or a sentence.
"""

import re
from typing import NamedTuple

from leanrl.grading.tables import tokens
from leanrl.grading.tables.units import CURRENCY_CODES, CURRENCY_SIGNS, LETTERS
from leanrl.grading.units.reading import MAX_UNIT_CHARS, is_certain, is_certain_symbol, read_unit
from leanrl.grading.units.unit import convert

_TOKEN = re.compile("|".join(f"(?P<{kind}>{written})" for kind, written in tokens.TOKENS.items()), re.DOTALL)
_JOIN = re.compile(rf"(?:\\text\s*+\{{\s*+)?+{tokens.TOKENS['join']}\s*+\}}?+")
_NO_VALUE = re.compile(tokens.NO_VALUE)
_NO_END = re.compile(tokens.NO_END)
_MAX_TOKENS = 24  # of one unit with all that joins it

_SIGNS = "|".join(re.escape(sign) for sign in CURRENCY_SIGNS)
_CODES = "|".join(rf"{re.escape(code)}(?![A-Za-z])" for code in CURRENCY_CODES)
_SIGN = re.compile(_SIGNS)
_CURRENCY_AND_UNIT = re.compile(r"\\unit\{(?P<currency>[A-Z]{3}(?:-JPY)?|Rs|cent)\}\s*+\\unit\{(?P<unit>[^{}]*+)\}")
_BEFORE_VALUE = re.compile(
    rf"(?<![A-Za-z\\])(?:\\text\s*+\{{\s*+)?+(?P<sign>{_SIGNS}|{_CODES})\s*+\}}?+\s*+"
    r"(?P<value>-?\d++(?:,\d++)*+(?: \d{3}(?!\d))*+(?:\.\d++)?+(?:\s?\\frac\{\d++\}\{\d++\})?+"
    r"|\\frac\s*+\{\d++\}\s*+\{\d++\})"
)
_LETTER = re.compile(r"\\(?:mu|Omega|AA|ell)(?![A-Za-z])\s*+")
_COMMANDS = re.compile(r"\\(?:text|[A-Za-z]++)|[{}()\\.]")
_SPACES = re.compile(r"\s++")


class _Token(NamedTuple):
    kind: str
    text: str


def mark_units(text: str) -> str:
    r"""Return the text with every unit behind a value as \unit{...}; one pass."""
    found = [_Token(match.lastgroup or "other", match.group()) for match in _TOKEN.finditer(text)]
    pieces: list[str] = []
    position = 0
    while position < len(found):
        end = position
        while end < len(found) and found[end].kind in tokens.OF_UNITS and not _JOIN.fullmatch(found[end].text):
            end += 1
        before, after = found[max(0, position - 1) : position], found[end : end + 1]
        pieces.append(_mark_run(before, found[position:end], after[0].text if after else ""))
        pieces += [token.text for token in after]
        position = end + 1
    return _CURRENCY_AND_UNIT.sub(_as_one_unit, "".join(pieces))


def mark_currencies(text: str) -> str:
    r"""Return the text with every currency that stands before its value behind it, as \unit{...}."""
    names = CURRENCY_SIGNS | {code: code.rstrip(".") for code in CURRENCY_CODES}
    return _BEFORE_VALUE.sub(lambda match: rf"{match['value']}\unit{{{names[match['sign']]}}} ", text)


def _as_one_unit(match: re.Match[str]) -> str:
    r"""Return the unit of \$5 each, which is USD each; \$5 dollars names its unit twice."""
    currency, unit = read_unit(match["currency"]), read_unit(match["unit"])
    is_named_twice = currency and unit and convert(currency, unit)
    return rf"\unit{{{match['unit'] if is_named_twice else match['currency'] + ' ' + match['unit']}}} "


def _mark_run(before: list[_Token], run: list[_Token], after: str) -> str:
    """Return the text of a run of tokens, with its longest end that is a unit marked."""
    written = "".join(token.text for token in run)
    if _NO_END.match(after) or (after[:1].isdigit() and run and run[-1].kind not in ("space", "text")):
        return written
    for start in range(max(0, len(run) - _MAX_TOKENS), len(run)):
        if not _may_begin(before, run, start):
            continue
        unit = _flatten(run[start:])
        if len(unit) > MAX_UNIT_CHARS or not read_unit(unit):
            continue
        if any(token.kind in tokens.SET_OFF for token in run[start:]) or is_certain(unit):
            return "".join(token.text for token in run[:start]).rstrip() + rf"\unit{{{unit}}} "
    return written


def _may_begin(before: list[_Token], run: list[_Token], start: int) -> bool:
    """Return whether a unit may begin at a token: behind a value; bare words behind a number only."""
    token, earlier = run[start], [*before, *run[max(0, start - 2) : start]]
    is_tight = not earlier or earlier[-1].kind != "space"
    earlier = [one for one in earlier if one.kind != "space"]
    if not earlier or _NO_VALUE.fullmatch(earlier[-1].text) or earlier[-1].kind in ("dot", "slash", "join"):
        return False
    value = earlier[-1]
    if token.kind in tokens.SET_OFF:
        return value.kind not in ("text", "fraction")
    is_number = value.kind in ("number", "power") or value.text in (r"\pi", "}", ")")
    if token.kind == "letter":
        return is_number
    return token.kind == "word" and is_number and (not is_tight or len(token.text) > 3 or is_certain_symbol(token.text))


def _flatten(unit: list[_Token]) -> str:
    r"""Return the unit that tokens set: \text{ km}/\text{h} is km/h."""
    pieces: list[str] = []
    for token in unit:
        plain = _SIGN.sub(lambda sign: CURRENCY_SIGNS[sign.group()], token.text.replace("~", " "))
        if token.kind == "fraction":
            plain = plain.replace("}{", "}/{").replace(r"\frac", "")
        plain = _LETTER.sub(lambda letter: LETTERS[letter.group().rstrip()], plain)
        plain = _COMMANDS.sub("", plain.replace(r"\cdot", "·"))
        plain = plain + " " if token.kind in ("text", "note") and plain[-1:].isalpha() else plain
        if token.kind == "letter" and pieces:  # a prefix stands before it
            pieces[-1] = pieces[-1].rstrip()
        pieces.append("^" + plain if token.kind == "power" and plain[:1].isdigit() else plain)
    return _SPACES.sub(" ", "".join(pieces).replace(" ^", "^")).strip(" .")
