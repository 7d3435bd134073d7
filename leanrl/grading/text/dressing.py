r"""What dresses an answer and says nothing: colours, sizes, frames, spacing, markup, the layout of lines."""

import re

from leanrl.grading.tables.dressing import DRESSES, FONTS, FORMULA, LAYOUTS, LENGTH, MARKUP, Dress
from leanrl.grading.text.brackets import find_partners, replace_spans, separators_outside, split_outside
from leanrl.grading.text.rules import apply_rules, compiled

_COMMAND = re.compile(r"\\([A-Za-z]+)\*?\s*+")
_LENGTH = re.compile(rf"\s*+{LENGTH}(?![A-Za-z])")  # \kern 3pt needs no braces

_BORDER = rf"(?:begin|end)\s*+\{{(?:{LAYOUTS})\*?\}}"
_ENVIRONMENT = re.compile(
    rf"\\begin\s*+\{{(?P<name>(?:{LAYOUTS})\*?)\}}(?:\[[a-z]\]|\{{\d\}})?+(?P<body>(?:[^\\]|\\(?!{_BORDER}))*+)\\end\s*+\{{(?P=name)\}}",
)
_MAX_NESTED = 4  # an align in a center in an equation
_ROW_END, _COLUMN = re.compile(r"\\\\(?:\s*\[[^\[\]]*\])?"), re.compile("(?<![\\\\])&")
_CONTINUES = re.compile(r"=|[<>]|\\(?:le|ge|leq|geq|approx|equiv|neq|cup|cap|Rightarrow|implies)(?![A-Za-z])")
_FONTS, _FORMULA = frozenset(FONTS.split()), re.compile(FORMULA)
_MARKUP = compiled(MARKUP)


def undress(text: str) -> str:
    """Return the text without what only dresses it."""
    text = apply_rules(_MARKUP, text)
    for _ in range(_MAX_NESTED if r"\begin" in text else 0):
        text = _ENVIRONMENT.sub(lambda environment: _join_rows(environment["body"]), text)
    return _drop_commands(text).rstrip("\\ \t\n")  # the ends of rows


def _join_rows(body: str) -> str:
    """Return the rows of an aligned environment as a list; a row that begins with a sign continues the one before."""
    joined = ""
    for written in split_outside(body, _ROW_END):
        columns = [(column.start(), column.end(), "") for column in separators_outside(written, _COLUMN)]
        row = replace_spans(written, columns).strip(" ,;\n\t")
        continues = _CONTINUES.match(row) or (row[:1] in ("+", "-") and written.startswith("&"))
        if row:
            joined += row if not joined else f" {row}" if continues else f", {row}"
    return joined


def _drop_commands(text: str) -> str:
    partners = find_partners(text)
    gone: list[tuple[int, int, str]] = []
    for command in _COMMAND.finditer(text):
        dress = DRESSES.get(command[1])
        if command[1] in _FONTS and _FORMULA.match(text, command.end() + 1):
            dress = Dress()
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
