"""Backslashes that were meant as themselves and became control characters: `"\\boxed"` begins with a backspace."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_NAMES = {
    "\0": "a null character",
    "\a": "a bell",
    "\b": "a backspace",
    "\t": "a tab",
    "\v": "a vertical tab",
    "\f": "a form feed",
    "\r": "a carriage return",
    "\x1b": "an escape character",
    "\x85": "a line break (U+0085)",
    "\xa0": "a space that does not break (U+00A0)",
    "\u2028": "a line break (U+2028)",
    "\u2029": "a paragraph break (U+2029)",
}
# How a double-quoted text writes them; YAML 1.1, section 5.6. JSON has those of `btfr` only.
_LETTERS = {
    "\0": "0", "\a": "a", "\b": "b", "\t": "t", "\v": "v", "\f": "f", "\r": "r", "\n": "n", "\x1b": "e", "\x85": "N",
    "\xa0": "_", "\u2028": "L", "\u2029": "P",
}  # fmt: skip
_CHARACTERS = {letter: char for char, letter in _LETTERS.items()} | {"\t": "\t"}
_ESCAPE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]*")
# Commands of LaTeX that begin with t or n: a tab or a newline before the rest of one may not be meant.
_WITH_T = """
    text textbf textit textrm textsf texttt theta times tan tanh tau to top triangle tfrac tbinom tilde therefore
    thickapprox thicksim twoheadrightarrow tag tabular tiny
"""
_WITH_N = """
    nabla natural ncong ne nearrow neg neq newcommand newline nexists ngeq ngtr nleq nless nmid nocite node nolimits
    nonumber normalsize not notag notin nparallel nprec nrightarrow nsim nsubseteq nsucc nu nwarrow
"""
_AFTER_TAB, _AFTER_NEWLINE = (frozenset(word[1:] for word in words.split()) for words in (_WITH_T, _WITH_N))
REMEDY = "write the text in single quotes, or as a block below `|`: there a backslash is a backslash"


@dataclass(frozen=True)
class ControlCharacter:
    """A control character that a backslash made, by its index in the text and what was most likely meant."""

    index: int
    meant: str
    name: str

    @property
    def cause(self) -> str:
        return f"in double quotes `{self.meant}` begins with {self.name}, which a model would be shown"


def escaped_control(raw: str) -> ControlCharacter | None:
    """Return the first escape of a double-quoted text, as it stands in the file, that writes a control character.

    A newline is none. A tab is one where a small letter follows, as in `\\text`.
    """
    for match in _ESCAPE.finditer(raw):
        char = _decoded(match.group())
        after = raw[match.end() : match.end() + 1]
        if _is_control(char, after) or char == "\xa0" or (char == "\t" and after.islower()):
            word = _WORD.match(raw, match.end())
            meant = match.group() + (word.group() if word else "")
            return ControlCharacter(match.start(), meant, _name(char))
    return None


def control_character(text: str) -> ControlCharacter | None:
    """Return the first control character of a text that has been read; a tab where LaTeX may have been meant."""
    for index, char in enumerate(text):
        if _is_control(char, text[index + 1 : index + 2]) or (char == "\t" and _word_at(text, index + 1) in _AFTER_TAB):
            return ControlCharacter(index, _as_written(text, index), _name(char))
    return None


def commands_after_newline(text: str) -> Iterator[str]:
    """Yield every command of LaTeX that a newline may have cut: `\\nabla` in double quotes is a newline and `abla`."""
    for match in re.finditer(r"\n([A-Za-z]+)", text):
        if match.group(1) in _AFTER_NEWLINE:
            yield f"\\n{match.group(1)}"


def _is_control(char: str, after: str) -> bool:
    if char in "\n\t" or (char == "\r" and after == "\n"):
        return False
    return unicodedata.category(char) == "Cc" or char in "\u2028\u2029"


def _decoded(escape: str) -> str:
    kind, digits = escape[1], escape[2:]
    return chr(int(digits, 16)) if digits else _CHARACTERS.get(kind, kind)


def _word_at(text: str, index: int) -> str:
    match = _WORD.match(text, index)
    return match.group() if match else ""


def _as_written(text: str, index: int) -> str:
    char = text[index]
    letter = _LETTERS.get(char)
    return f"\\{letter}{_word_at(text, index + 1)}" if letter else f"\\x{ord(char):02x}"


def _name(char: str) -> str:
    return _NAMES.get(char, f"a control character (U+{ord(char):04X})")
