r"""Braces around the arguments that a writer leaves bare: \frac12, \sqrt2, \overline3, 10^-19."""

import re

from leanrl.grading.text.brackets import find_partners, replace_spans

_NUM_ARGUMENTS = {"frac": 2, "sqrt": 1, "binom": 2, "overline": 1, "bar": 1, "dot": 1, "hat": 1, "vec": 1}
_COMMAND = re.compile(rf"\\(?P<name>{'|'.join(_NUM_ARGUMENTS)})(?![A-Za-z])(?:\s*\[[^\[\]]*\])?")
_BETWEEN_ARGUMENTS = {"over": "frac", "choose": "binom"}
_INFIX = re.compile(rf"\\(?P<name>{'|'.join(_BETWEEN_ARGUMENTS)})(?![A-Za-z])\s*+")
_MAX_INFIXES = 20
# TeX reads one token; who writes 10^-19 or 2^10 means all of it.
_BARE_SCRIPT = re.compile(r"\^\s?([-+]\s?(?:\d++|[A-Za-z](?![A-Za-z])|\\[A-Za-z]++)|\d{2,})|_\s?(\d{2,})")
_TOKEN = re.compile(r"\\[A-Za-z]+|[^\s\\{}^_]")


def brace_arguments(text: str) -> str:
    r"""Return the text with every argument of \frac, \sqrt and their like in braces, read as TeX reads it.

    A signed or long exponent is taken whole: 10^-19.

    A parenthesis right after \sqrt is taken whole: \sqrt(2) is what people write for \sqrt{2}.
    {n \choose k} has its command before both arguments.
    """
    for _ in range(_MAX_INFIXES if _INFIX.search(text) else 0):
        text = _with_command_first(text)
    text = _BARE_SCRIPT.sub(lambda script: f"{script.group()[0]}{{{script[1] or script[2]}}}", text)
    partners = find_partners(text)
    braces: list[tuple[int, int, str]] = []
    for command in _COMMAND.finditer(text):
        position = command.end()
        for _ in range(_NUM_ARGUMENTS[command["name"]]):
            while position < len(text) and text[position].isspace():
                position += 1
            end = _argument_end(text, position, partners)
            if end is None:
                break
            if text[position] != "{":
                braces += [(position, position, "{"), (end, end, "}")]
            position = end
    # A brace that closes stands before one that opens in the same place.
    return replace_spans(text, sorted(braces, key=lambda edit: (edit[0], edit[2] == "{")))


def _with_command_first(text: str) -> str:
    r"""Return the text with its last {a \over b} as {\frac{a}{b}}; without braces, all of it is above and below."""
    infix = next(reversed(list(_INFIX.finditer(text))), None)
    if infix is None:
        return text
    groups = [(start, end) for start, end in find_partners(text).items() if start < infix.start() < end]
    start, end = max((group for group in groups if text[group[0]] == "{"), default=(-1, len(text)))
    above, below = text[start + 1 : infix.start()].strip(), text[infix.end() : end].strip()
    command = _BETWEEN_ARGUMENTS[infix["name"]]
    return rf"{text[: start + 1]}\{command}{{{above}}}{{{below}}}{text[end:]}"


def _argument_end(text: str, start: int, partners: dict[int, int]) -> int | None:
    if start in partners and text[start] in "{(":
        return partners[start] + 1
    token = _TOKEN.match(text, start)
    if token is None or token.group()[1:] in _NUM_ARGUMENTS:
        return None
    return token.end()
