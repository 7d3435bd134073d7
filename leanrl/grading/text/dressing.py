r"""What dresses an answer and says nothing: colours, sizes, frames, spacing, markup, the layout of lines."""

import re

from leanrl.grading.tables.dressing import DRESSES, Dress
from leanrl.grading.text.brackets import find_partners, replace_spans, split_outside

_COMMAND = re.compile(r"\\([A-Za-z]+)\*?\s*+")
_LENGTH = re.compile(r"\s*+-?[\d.]+\s*+(?:pt|em|ex|cm|mm|in|px|mu)(?![A-Za-z])")  # \kern 3pt needs no braces

_LINES = (
    "align|aligned|alignat|alignedat|gather|gathered|equation|split|multline|flalign|eqnarray|math|displaymath|center"
)
_BORDER = rf"(?:begin|end)\s*+\{{(?:{_LINES})\*?\}}"
_ENVIRONMENT = re.compile(
    rf"\\begin\s*+\{{(?P<name>(?:{_LINES})\*?)\}}(?:\[[a-z]\]|\{{\d\}})?+(?P<body>(?:[^\\]|\\(?!{_BORDER}))*+)\\end\s*+\{{(?P=name)\}}",
)
_MAX_NESTED = 4  # an align in a center in an equation
_ROW_END, _COLUMN = re.compile(r"\\\\(?:\s*\[[^\[\]]*\])?"), re.compile("(?<![\\\\])&")
_ROW_SPACING = re.compile(r"\\\\\s*+\[\s*+-?[\d.]+\s*+(?:pt|em|ex|cm|mm|in|px|mu)\s*+\]")
_CONTINUES = re.compile(r"=|[<>]|\\(?:le|ge|leq|geq|approx|equiv|neq|cup|cap|Rightarrow|implies)(?![A-Za-z])")

# Markdown and HTML around an answer or a part of it; a double star between two terms is a power.
_MARKUP = (
    (re.compile(r"(?<![^\s(])(\*\*|__|``)(?=[^\s*_`])([^*_`]*+)\1(?![^\s).,;:])"), r"\2"),
    (re.compile(r"(?<![^\s(])`(?=[^\s`])([^`]*+)`(?![^\s).,;:])"), r"\1"),
    (re.compile(r"^\s*+(\*{3}|\*|_{3}|_|`{3})(?=[^\s*_`])([^*_`]*+)\1\s*+$"), r"\2"),
    (re.compile(r"<su(p|b)>([^<>]*+)</su\1>"), lambda script: {"p": "^", "b": "_"}[script[1]] + f"{{{script[2]}}}"),
    (re.compile(r"<(b|i|u|em|strong|span|font|code|mark|big|small|p|div|center)(?: [^<>]*+)?>([^<>]*+)</\1>"), r"\2"),
    (re.compile(r"<br ?/?>"), " "),
    (re.compile(r"~~(?=[^\s~])([^~]*+)~~"), r"\\cancel{\1}"),  # taken back
)


def undress(text: str) -> str:
    """Return the text without what only dresses it."""
    for pattern, replacement in _MARKUP:
        text = pattern.sub(replacement, text)
    text = _ROW_SPACING.sub(r"\\\\", text)
    for _ in range(_MAX_NESTED if r"\begin" in text else 0):
        text = _ENVIRONMENT.sub(lambda environment: _join_rows(environment["body"]), text)
    return _without_last_row_ends(_drop_commands(text))


def _without_last_row_ends(text: str) -> str:
    text = text.rstrip()
    while text.endswith("\\\\"):
        text = text[:-2].rstrip()
    return text


def _join_rows(body: str) -> str:
    """Return the rows of an aligned environment as a list; a row that begins with a sign continues the one before."""
    joined = ""
    for written in split_outside(body, _ROW_END):
        row = "".join(split_outside(written, _COLUMN)).strip(" ,;\n\t")
        continues = _CONTINUES.match(row) or (row[:1] in ("+", "-") and written.lstrip().startswith("&"))
        if row:
            joined += row if not joined else f" {row}" if continues else f", {row}"
    return joined


def _drop_commands(text: str) -> str:
    partners = find_partners(text)
    gone: list[tuple[int, int, str]] = []
    for command in _COMMAND.finditer(text):
        dress = DRESSES.get(command[1])
        if dress is None:
            continue
        end = _arguments_end(text, command.end(), dress, partners)
        before = text[command.start() - 1 : command.start()]
        gone.append((command.start(), end, " " if before.isalpha() or not dress.keeps_last else ""))
        is_script = before in ("^", "_")
        if dress.keeps_last and end in partners and text[end] == "{" and not is_script:
            gone += [(end, end + 1, ""), (partners[end], partners[end] + 1, "")]
    return replace_spans(text, sorted(gone))


def _arguments_end(text: str, start: int, dress: Dress, partners: dict[int, int]) -> int:
    end = start
    if dress.has_option and end in partners and text[end] == "[":
        end = partners[end] + 1
    for _ in range(dress.num_dropped):
        if end in partners and text[end] == "{":
            end = partners[end] + 1
        elif length := _LENGTH.match(text, end):
            end = length.end()
    return end
