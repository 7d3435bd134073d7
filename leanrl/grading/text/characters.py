"""The ASCII and LaTeX spelling of a text's characters."""

import re
import unicodedata

_ROOT_OF_DIGITS = re.compile(r"√\s*(\d+(?:\.\d+)?)")  # √12 is the root of twelve, \sqrt12 in LaTeX is not
_SPLIT_SCRIPT = re.compile(r"(?<=\d)\}[\^_]\{(?=\d)")  # x¹⁰ comes out as x^{1}^{0}
_MEANINGLESS_SPACE = re.compile(r"(?<!\d)\s+|\s+(?!\d)")
_MINUS = "-"
_SIGNS = {
    "−": _MINUS, "‐": _MINUS, "‑": _MINUS, "–": _MINUS, "—": _MINUS, "﹣": _MINUS,
    "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "∙": r"\cdot ", "•": r"\cdot ", "∗": "*", "÷": "/", "⁄": "/",
    "√": r"\sqrt ", "∞": r"\infty ", "±": r"\pm ", "∓": r"\mp ", "°": r"^{\circ}",
    "≤": r"\le ", "⩽": r"\le ", "≦": r"\le ", "≥": r"\ge ", "⩾": r"\ge ", "≧": r"\ge ", "≠": r"\neq ", "≈": r"\approx ",
    "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "∖": r"\setminus ", "∅": r"\emptyset ", "∀": r"\forall ",
    "∃": r"\exists ", "…": r"\ldots ", "⋯": r"\cdots ", "→": r"\to ", "∠": r"\angle ", "′": "'", "’": "'", "‘": "'",
    "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ", "⟨": r"\langle ", "⟩": r"\rangle ",
    "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}", "ℂ": r"\mathbb{C}",
    "，": ", ", "；": "; ", "、": ", ", "。": ".", "：": ":",
}  # fmt: skip


def spell_in_latex(text: str) -> str:
    r"""Return the text with mathematical and full-width characters in ASCII and LaTeX.

    Greek letters, raised and lowered digits and vulgar fractions become commands; invisible characters (direction
    marks, zero-width spaces, NUL) go; a lone surrogate, which no encoder takes, becomes a replacement character.
    """
    if text.isascii():
        return text.replace("\0", "")
    text = _ROOT_OF_DIGITS.sub(r"\\sqrt{\1}", text)
    return _SPLIT_SCRIPT.sub("", "".join(_spell(character) for character in text))


def squeeze(text: str) -> str:
    """Return a text without the spaces that mean nothing: between two digits they do, 4 2 is not 42."""
    return _MEANINGLESS_SPACE.sub("", text)


def _spell(character: str) -> str:
    if character.isascii():
        return "" if character == "\0" else character
    if character in _SIGNS:
        return _SIGNS[character]
    category = unicodedata.category(character)
    if category == "Cs":
        return "\N{REPLACEMENT CHARACTER}"
    if category in ("Cf", "Cc", "Mn"):
        return ""
    kind, _, decomposed = unicodedata.decomposition(character).partition(" ")
    plain = "".join(chr(int(code, 16)) for code in decomposed.split())
    if kind == "<super>":
        return f"^{{{plain}}}"
    if kind == "<sub>":
        return f"_{{{plain}}}"
    if kind == "<fraction>":
        numerator, _, denominator = plain.partition("⁄")
        return rf"\frac{{{numerator}}}{{{denominator}}}"
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
