r"""Whether a reader sees anything in a text: letters, numbers or symbols, in LaTeX, HTML or Markdown."""

import html
import re
import unicodedata

# LaTeX commands whose first argument is not shown; braces in it go three deep.
_HIDDEN = re.compile(
    r"\\(?:[hv]?phantom|[hv]space|color|textcolor|colorbox|label|tag|begin|end|raisebox|fontsize|style|class|cssId"
    r"|scalebox|resizebox|rotatebox)\*?"
    r"\s*+(?:\[[^\[\]{}]*\])?\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*+\})*+\}"
)
# Commands that show a sign by themselves; any other shows what its arguments show. Spaces, sizes, styles are endless.
_SIGN = re.compile(
    r"\\(?:(?:var)?(?:alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|upsilon"
    r"|phi|chi|psi|omega|nothing)|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega|infty|emptyset|ell|hbar"
    r"|aleph|Re|Im|top|bot|checkmark|pm|times|cdot|neq?|leq?|geq?|in|subset|subseteq|cup|cap)(?![A-Za-z])"
)
_LENGTH = r"[-+]?[\d.]++\s*+(?:em|ex|pt|mu|cm|mm|in|pc|px|bp|sp)(?![A-Za-z])"
_COMMAND = re.compile(
    rf"\\rule\s*+(?:\[[^\[\]]*\])?\{{[^{{}}]*\}}\s*+\{{[^{{}}]*\}}|\\[A-Za-z]*(?:kern|skip)\s*+(?:{_LENGTH})?"
    r"|\\\\\*?\s*+(?:\[[^\[\]]*\])?|\\[A-Za-z]+\*?|(?<!\\)%[^\n]*"
)
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
    text = _SIGN.sub("x", text)
    for hidden in (_HTML_TAG, _HIDDEN, _COMMAND):
        text = hidden.sub(" ", text)
    return any(map(_is_shown, text))


def _is_shown(character: str) -> bool:
    if character in _MARKUP:
        return False
    category = unicodedata.category(character)
    if category[0] not in "LN" and category not in _SYMBOLS:
        return False
    return not _NO_GLYPH.search(unicodedata.name(character, ""))
