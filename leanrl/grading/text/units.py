r"""Units and other words behind a value: 5 cm, 15\mbox{ cm}^2, 60\text{ km/h}, 18 eggs, 90^\circ."""

import re

# What a unit never is: words that join answers, that say more about one, or that name a number.
_NO_UNIT = (
    r"and|or|if|for|when|where|with|mod|is|are|not|no|than|to|from|choose|[AaPp]\.?[Mm]\.?|"
    r"pi|sqrt|inf|infinity|alpha|beta|theta|phi|"
    r"per\s?cent|percentage|pct|thousand|million|billion|trillion|dozen"
)
_SHORT_UNITS = r"mm|cm|dm|km|mg|kg|lb|lbs|oz|ft|in|yd|mi|hr|hrs|ms|ml|mL|dl|kw|kW|Hz|kHz|mph|kmh|kph|cc|sq|cu"
_WORD = rf"(?!(?:{_NO_UNIT})\b)(?:[A-Za-z]{{3,}}|{_SHORT_UNITS})\b\.?"
_POWER = r"(?:\s?\^\s?(?:\{\s?-?\d\s?\}|-?\d))?"

# A command that sets words, with one level of braces inside; what it holds has no digit and no joining word.
_SET_WORDS = (
    r"\\(?:text|mbox|mathrm|textrm|hbox|textbf|mathbf|operatorname|textit|rm)\s*"
    rf"\{{(?!\s*(?:{_NO_UNIT})\b)(?:[^{{}}\d=<>^]|\^\s*\{{?-?\d\}}?)*\}}"
)
_SET_UNIT = re.compile(
    rf"(?:\s?(?:(?:/|\\cdot)\s?)?(?:{_SET_WORDS}|\\frac\s?\{{{_SET_WORDS}\}}\s?\{{{_SET_WORDS}\}}){_POWER})+\s?$"
)
_BARE_UNIT = re.compile(
    rf"(?<=[\d}})])\s?(?:(?<=\s){_WORD}|(?:{_SHORT_UNITS}|inches|feet|miles|meters|units)\b){_POWER}"
    rf"(?:\s?(?:/\s?)?{_WORD}{_POWER})*$"
)
_DEGREES = re.compile(r"(?<!\s)\s*+(?:\^\s*+(?:\{\s*+(?:\\circ|\\degree)\s*\}|\\circ|\\degree)|\\degree|\\textdegree)"
                      r"(?:\s*(?:\\(?:text|mathrm)\{\s*[CFK]\s*\}|[CFK]\b))?")  # fmt: skip
_HAS_VALUE = re.compile(r"\d|\\(?:pi|sqrt|infty|frac)(?![A-Za-z])")


# Units stand at the end; looking for them in no more than this keeps the search cheap.
_TAIL_CHARS = 200


def drop_units(text: str) -> str:
    """Return the text without degree signs, and without the words behind a value.

    Which unit it was is not kept: a gold answer often leaves it to the question, so `5`, `5 cm` and `5 m` are one.
    Runs of spaces are one space by now.
    """
    text = _DEGREES.sub("", text)
    for unit in (_SET_UNIT, _BARE_UNIT):
        head, tail = text[:-_TAIL_CHARS], text[-_TAIL_CHARS:]
        value = unit.sub("", tail)
        if value != tail and (_HAS_VALUE.search(value) or head):
            text = (head + value).rstrip()
    return text
