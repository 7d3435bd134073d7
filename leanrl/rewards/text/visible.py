r"""Whether a reader sees anything in a text: letters, numbers or symbols, in LaTeX, HTML or Markdown."""

import html
import re
import unicodedata

# LaTeX commands whose first argument is not shown; braces in it go three deep.
_HIDDEN = re.compile(
    r"\\(?:[hv]?phantom|[hv]space|color|textcolor|colorbox|label|tag|begin|end|rule|raisebox|fontsize|style|class)\*?"
    r"\s*+(?:\[[^\[\]{}]*\])?\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*+\})*+\}"
)
# LaTeX commands that show nothing by themselves: white space, sizes, styles, line ends.
_BLANK_COMMAND = re.compile(
    r"\\(?:q?quad|en(?:space|skip)|(?:neg)?(?:thin|med|thick)space|(?:no)?break(?:space)?|nobreakspace|space|hfil+|vfil+"
    r"|null|relax|empty|(?:math)?strut|newline|par|noindent|indent|(?:small|med|big)skip|(?:allow|line|nolinebreak)break"
    r"|nolinebreak|(?:display|text|script|scriptscript)style|limits|nolimits|left|right|middle|[bB]igg?[lrm]?"
    r"|tiny|scriptsize|footnotesize|small|normalsize|[lL]arge|LARGE|[hH]uge|centering|[hvm]?kern|[hvm]skip)(?![A-Za-z])"
)
# A command with an argument shows what the argument shows.
_WRAPPER = re.compile(r"\\[A-Za-z]+\*?\s*+(?=[\[{])")
_HTML_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--(?:(?!-->|<!--).)*+-->", re.DOTALL)
# In these categories of Unicode there are characters without a glyph too; their names say so.
_NO_GLYPH = re.compile(r"FILLER|BRAILLE PATTERN BLANK|REPLACEMENT CHARACTER")
_SYMBOLS = ("Sm", "Sc", "So")
_MARKUP = frozenset("~$|")  # symbols to Unicode; a space, a delimiter and a border to LaTeX and Markdown


def has_visible_content(text: str) -> bool:
    r"""Return whether a text shows a letter, a number or a symbol; punctuation alone is no content.

    Spacing (`~`, `\quad`, zero-width characters), empty commands (`\text{}`) and hidden ones (`\phantom{5}`) show none.
    """
    if not text.isascii() or "&" in text:
        text = html.unescape(text)
    for hidden in (_HTML_TAG, _HIDDEN, _BLANK_COMMAND, _WRAPPER):
        text = hidden.sub(" ", text)
    return any(map(_is_shown, text))


def _is_shown(character: str) -> bool:
    if character in _MARKUP:
        return False
    category = unicodedata.category(character)
    if category[0] not in "LN" and category not in _SYMBOLS:
        return False
    return not _NO_GLYPH.search(unicodedata.name(character, ""))
