r"""Where a text has formulas: between $, $$, \( \), \[ \], in an environment, or in a box that stands alone."""

import re
from dataclasses import dataclass

from leanrl.grading.text.boxes import find_boxes

# Longer ones are no formulas that a reader would look at, and take longer to typeset.
_MOST_CHARACTERS = 1000
# A backslash takes the next character with it, so that no closing sign is found behind one, and \\[2pt] opens nothing.
_FORMULA = re.compile(
    r"(?<!\\)\$\$(?P<dollars>(?:[^$\\]|\\.)++)\$\$"
    r"|(?<!\\)\\\[(?P<brackets>(?:[^\\]|\\[^\[\]])++)\\\]"
    r"|(?<!\\)\\\((?P<parentheses>(?:[^\\]|\\[^()])++)\\\)"
    # As pandoc has it: no space inside the signs and no digit behind them, or "$5 to $9" would be a formula.
    r"|(?<![\\$0-9A-Za-z])\$(?P<dollar>(?![\s$])(?:[^$\\\n]|\\[^\n])++)(?<!\s)\$(?![\d$])"
    r"|(?P<environment>\\begin\{(?P<kind>(?:align|equation|gather|multline)\*?)\}"
    r"(?:[^\\]|\\(?!(?:begin|end)\{(?P=kind)\}).)++\\end\{(?P=kind)\})",
    re.DOTALL,
)
_DISPLAY = ("dollars", "brackets", "environment")


@dataclass(frozen=True)
class Formula:
    """A formula: its place in the text, with the signs around it, and its LaTeX without them."""

    start: int
    end: int
    latex: str
    is_display: bool


def find_formulas(text: str) -> list[Formula]:
    """Return the formulas of a text in order; none lies in another."""
    between = [_formula(match) for match in _FORMULA.finditer(text)]
    alone = [
        Formula(box.start, box.end, text[box.start : box.end], is_display=False)
        for box in find_boxes(text)
        if not any(each.start < box.end and box.start < each.end for each in between)
    ]
    found = sorted([*between, *alone], key=lambda each: each.start)
    return [each for each in found if each.end - each.start <= _MOST_CHARACTERS]


def _formula(match: re.Match[str]) -> Formula:
    name = next(name for name in (*_DISPLAY, "parentheses", "dollar") if match[name] is not None)
    return Formula(match.start(), match.end(), match[name], is_display=name in _DISPLAY)
