"""The ASCII and LaTeX spelling of a text's characters."""

import re
import unicodedata
from itertools import groupby

from leanrl.grading.tables.characters import ACCENTS, SIGNS, STRIKES

# √12 is the root of twelve, \sqrt12 in LaTeX is not; ³√8 is a cube root, in 2³√8 the index may be a power of 2.
_ROOT = re.compile(r"(?:(?<![\w)\]}])(?P<index>[²³⁴-⁹])\s?)?(?P<sign>[√∛∜])\s?(?P<digits>\d++(?:\.\d++)?)?")
_INDICES = {"√": "", "∛": "[3]", "∜": "[4]"}
_MEANINGLESS_SPACE = re.compile(r"(?<!\d)\s+|\s+(?!\d)")
_MARKED = re.compile(rf"(?P<base>[^\s\\{{}}])(?P<marks>[{''.join(ACCENTS)}{STRIKES}]++)")
_CIRCLED = re.compile("(?<=[①-⑳])(?=[①-⑳])")  # ①③ is a list, not thirteen
_INVISIBLE_MARK = re.compile("[\ufe00-\ufe0f\u034f\U000e0100-\U000e01ef]")  # they choose a glyph


def spell_in_latex(text: str) -> str:
    r"""Return the text with mathematical and full-width characters in ASCII and LaTeX.

    Greek letters, raised and lowered characters, roots, vulgar fractions and combining marks become commands; invisible
    characters (direction marks, zero-width spaces, NUL) go; a lone surrogate, which no encoder takes, becomes a
    replacement character.
    """
    if text.isascii():
        return text.replace("\0", "")
    text = _ROOT.sub(_spell_root, _CIRCLED.sub(",", _INVISIBLE_MARK.sub("", text)))
    text = _MARKED.sub(_spell_marks, unicodedata.normalize("NFD", text))
    runs = groupby(unicodedata.normalize("NFC", text), key=_script)
    return "".join(_spell_run(script, "".join(run)) for script, run in runs)


def squeeze(text: str) -> str:
    """Return a text without the spaces that mean nothing: between two digits they do, 4 2 is not 42."""
    return _MEANINGLESS_SPACE.sub("", text)


def _spell_root(root: re.Match[str]) -> str:
    index = f"[{unicodedata.digit(root['index'])}]" if root["index"] else _INDICES[root["sign"]]
    return rf"\sqrt{index}{{{root['digits']}}}" if root["digits"] else rf"\sqrt{index} "


def _spell_marks(marked: re.Match[str]) -> str:
    r"""Return a character with its marks as commands: a line over 3 as \overline{3}, = struck through as \not=."""
    spelling = base = marked["base"]
    for mark in dict.fromkeys(marked["marks"]):
        if mark in STRIKES:
            spelling = rf"\cancel{{{spelling}}}" if base.isalnum() else rf"\not {spelling}"
        elif base.isalnum() and len(unicodedata.normalize("NFC", base + mark)) > 1:
            spelling = rf"\{ACCENTS[mark]}{{{spelling}}}"
        else:
            spelling += mark
    return spelling


def _script(character: str) -> str:
    """Return ^ for a raised character, _ for a lowered one, nothing for others."""
    if character.isascii() or character in SIGNS:
        return ""
    kind = unicodedata.decomposition(character).partition(" ")[0]
    return {"<super>": "^", "<sub>": "_"}.get(kind, "")


def _spell_run(script: str, run: str) -> str:
    if script:
        plain = "".join(_spell(character) for character in unicodedata.normalize("NFKC", run))
        return f"{script}{{{plain}}}"
    return "".join(_spell(character) for character in run)


def _spell(character: str) -> str:
    if character.isascii():
        return "" if character == "\0" else character
    if character in SIGNS:
        return SIGNS[character]
    category = unicodedata.category(character)
    if category == "Cs":
        return "\N{REPLACEMENT CHARACTER}"
    if category in ("Cf", "Cc"):
        return ""
    kind, _, decomposed = unicodedata.decomposition(character).partition(" ")
    if kind == "<fraction>":
        plain = "".join(chr(int(code, 16)) for code in decomposed.split())
        numerator, _, denominator = plain.partition("⁄")
        return rf"\frac{{{numerator}}}{{{denominator}}}" if denominator else plain.replace("⁄", "/")
    return _spell_letter(unicodedata.normalize("NFKC", character))


def _spell_letter(character: str) -> str:
    """Return the command of a Greek letter, the ASCII digit of another script's digit, else the character."""
    if len(character) != 1:
        return character
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    words = unicodedata.name(character, "").replace("LAMDA", "LAMBDA").split()
    if words[:2] == ["GREEK", "SMALL"] and len(words) == 4:
        return rf"\{words[3].lower()} "
    if words[:2] == ["GREEK", "CAPITAL"] and len(words) == 4:
        return rf"\{words[3].capitalize()} "
    return character
