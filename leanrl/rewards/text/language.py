"""The language a completion is written in: words in other scripts, and sentences in other languages."""

import math
import re
import unicodedata
from functools import lru_cache

from leanrl.types import Language

# The scripts of a language, as Unicode names its letters; Latin where none is named.
_SCRIPTS: dict[str, frozenset[str]] = {
    "ar": frozenset({"ARABIC"}),
    "bg": frozenset({"CYRILLIC"}),
    "el": frozenset({"GREEK"}),
    "he": frozenset({"HEBREW"}),
    "hi": frozenset({"DEVANAGARI"}),
    "ja": frozenset({"CJK", "HIRAGANA", "KATAKANA"}),
    "ko": frozenset({"HANGUL", "CJK"}),
    "ru": frozenset({"CYRILLIC"}),
    "sr": frozenset({"CYRILLIC", "LATIN"}),
    "th": frozenset({"THAI"}),
    "uk": frozenset({"CYRILLIC"}),
    "zh": frozenset({"CJK"}),
}
# Written without spaces, so that each letter counts as a word.
_UNSPACED = frozenset({"CJK", "HIRAGANA", "KATAKANA", "THAI"})

# Each alternative stops at the next delimiter of its kind, so that a text of nothing but openings takes one pass.
_MATHEMATICS = re.compile(
    r"\$\$[^$]*\$\$|\$[^$\n]*\$|\\\[(?:[^\\]|\\[^\[\]])*\\\]|\\\((?:[^\\]|\\[^()])*\\\)|```(?:[^`]|`(?!``))*```"
    r"|`[^`\n]*`|\\(?:begin|end)\s*\{\w+\*?\}|\\boxed\s*\{[^{}]*\}|</?\w+>|\\[A-Za-z]+|https?://\S+"
)
_LETTERS = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SEGMENT_END = re.compile(r"(?<=[.!?:;])\s+|\n+")

# A sentence is foreign where the identifier is sure: enough of it, and another language ahead of the target by this
# many units of sqrt(bytes), its own measure of certainty. English solutions with their formulas cut out come out
# foreign in under 1 % of the sentences.
_MIN_SEGMENT_WORDS = 4
_MIN_SEGMENT_LETTERS = 20
_MARGIN = 1.5


def language_share(text: str, language: Language) -> float | None:
    """Return the share of a text's words that are in a language, mathematics left out; None if it has no words."""
    target = _SCRIPTS.get(language, frozenset({"LATIN"}))
    num_words = num_native = 0
    for segment in _SEGMENT_END.split(_MATHEMATICS.sub(" ", text)):
        words = [word for word in _LETTERS.findall(segment) if len(word) > 1 or _script(word) in _UNSPACED]
        native = [word for word in words if _script(word[0]) in target]
        num_words += sum(map(_count_words, words))
        if not _is_foreign(native, language):
            num_native += sum(map(_count_words, native))
    return num_native / num_words if num_words else None


def _count_words(word: str) -> int:
    return len(word) if _script(word[0]) in _UNSPACED else 1


def _is_foreign(words: list[str], language: str) -> bool:
    """Return whether words in the right script are in another language of that script."""
    text = " ".join(words).lower()
    if len(words) < _MIN_SEGMENT_WORDS or len(text) < _MIN_SEGMENT_LETTERS:
        return False
    return _lead(text, language) > _MARGIN * math.sqrt(len(text.encode("utf-8", "replace")))


@lru_cache(maxsize=4096)
def _lead(text: str, language: str) -> float:
    """Return by how much the likeliest language of a text leads another, as a difference of log-probabilities."""
    from py3langid import rank  # loads numpy and a model of 4 MB: only where a sentence is to be identified

    scores = rank(text)
    return float(scores[0][1]) - next((float(score) for name, score in scores if name == language), -math.inf)


@lru_cache(maxsize=8192)
def _script(letter: str) -> str:
    return unicodedata.name(letter[0], "UNKNOWN").split()[0].removesuffix("-")
