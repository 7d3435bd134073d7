"""The language a completion is written in: words in other scripts, and sentences in other languages."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
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

# Formulas, code, boxes, tags, commands and addresses, in which letters need not be words.
# Each alternative stops at the next delimiter of its kind, so that a text of nothing but openings takes one pass.
_MATHEMATICS = re.compile(
    r"\$\$[^$]*\$\$|\$[^$\n]*\$|\\\[(?:(?!\\[\[\]])[\s\S])*+\\\]|\\\((?:(?!\\[()])[\s\S])*+\\\)|```(?:[^`]|`(?!``))*```"
    r"|`[^`\n]*`|\\(?:begin|end)\s*\{\w+\*?\}|\\boxed\s*\{[^{}]*\}|</?\w+>|\\[A-Za-z]+|https?://\S+"
)
_TEXT_IN_FORMULA = re.compile(
    r"\\(?:text(?:bf|it|rm|sf|tt|normal)?|mbox|hbox|intertext)\s*+\{((?:[^{}]|\{[^{}]*\})*+)\}?"
)
_COMMAND = re.compile(r"\\[A-Za-z]+")
# As many words in a row are prose, wherever they stand: three may be code, or names in a formula.
_PROSE = re.compile(r"(?<![^\W\d_])[^\W\d_]{2,}+(?:[,;]?(?:[ \t~]|\\[ ,;:!])++[^\W\d_]{2,}+){4,}+")
# Letters that formulas use as names, besides those of Latin: Greek ones up to three in a row, and Unicode's own.
_LETTERS_OF_FORMULAS = frozenset(
    {"LATIN", "MATHEMATICAL", "DOUBLE", "SCRIPT", "BLACK", "MODIFIER", "SUPERSCRIPT", "SUBSCRIPT", "FULLWIDTH"}
)
_MAX_GREEK_NAME = 3
_LETTERS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_SEGMENT_END = re.compile(r"(?<=[.!?:;])\s+|\n+")

# Segments too short to tell are told together, as many words at a time.
_POOLED_WORDS = 40

# A sentence is foreign where the identifier is sure: enough of it, and another language ahead of the target by this
# many units of sqrt(bytes), its own measure of certainty. English solutions with their formulas cut out come out
# foreign in under 1 % of the sentences.
_MIN_SEGMENT_WORDS = 4
_MIN_SEGMENT_LETTERS = 20
_MARGIN = 1.5


def language_share(text: str, language: Language) -> float | None:
    """Return the fraction of a text's words that are in a language, mathematics left out; None if it has no words.

    In formulas, code, boxes, tags and addresses those letters are words that stand in a text command, in another
    script than Latin, or in a row of five words and more.
    """
    target = _SCRIPTS.get(language, frozenset({"LATIN"}))
    num_words = num_native = 0
    for words in _told_together(_segments(_MATHEMATICS.sub(_words_in_mathematics, text)), target):
        native = [word for word in words if _script(word[0]) in target]
        num_words += sum(map(_count_words, words))
        if not _is_foreign(native, language):
            num_native += sum(map(_count_words, native))
    return num_native / num_words if num_words else None


def other_script_share(text: str, language: Language) -> float | None:
    """Return the fraction of a text's letters that are in another script than the language's; None without a letter.

    Letters that formulas use as names, Latin and Greek ones among them, count for the language. It costs a hundredth
    of `language_share`, and sees no drift between languages of one script.
    """
    target = _SCRIPTS.get(language, frozenset({"LATIN"}))
    if text.isascii():
        return 0.0 if any(map(str.isalpha, text)) else None
    letters = {letter: count for letter, count in Counter(text).items() if letter.isalpha()}
    if not letters:
        return None
    own = target | _LETTERS_OF_FORMULAS | {"GREEK"}
    num_other = sum(count for letter, count in letters.items() if _script(letter) not in own)
    return num_other / sum(letters.values())


def _words_in_mathematics(found: re.Match[str]) -> str:
    """Return the words of a formula, code, box, tag or address, in place of it."""
    span = found.group()
    bare = _COMMAND.sub("|", _TEXT_IN_FORMULA.sub("|", span))
    prose = [run.group() for run in _PROSE.finditer(bare)]
    foreign = [word for word in _LETTERS.findall(_PROSE.sub(" ", bare)) if not _is_name_in_formula(word)]
    return f" {' '.join([*_TEXT_IN_FORMULA.findall(span), *prose, *foreign])} "


def _is_name_in_formula(word: str) -> bool:
    script = _script(word[0])
    return script in _LETTERS_OF_FORMULAS or (script == "GREEK" and len(word) <= _MAX_GREEK_NAME)


def _segments(text: str) -> Iterator[list[str]]:
    """Yield the words of each sentence or line; single letters are mathematics, except where a letter is a word."""
    for segment in _SEGMENT_END.split(text):
        yield [word for word in _LETTERS.findall(segment) if len(word) > 1 or _script(word) in _UNSPACED]


def _told_together(segments: Iterable[list[str]], target: frozenset[str]) -> Iterator[list[str]]:
    """Yield the words of segments, those of short ones together: a text may be broken into lines of three words."""
    pool: list[str] = []
    for words in segments:
        if _is_long([word for word in words if _script(word[0]) in target]):
            yield words
            continue
        pool += words
        if len(pool) >= _POOLED_WORDS:
            yield pool
            pool = []
    yield pool


def _is_long(words: list[str]) -> bool:
    return len(words) >= _MIN_SEGMENT_WORDS and len(" ".join(words)) >= _MIN_SEGMENT_LETTERS


def _count_words(word: str) -> int:
    return len(word) if _script(word[0]) in _UNSPACED else 1


def _is_foreign(words: list[str], language: str) -> bool:
    """Return whether words in the right script are in another language of that script."""
    text = " ".join(words).lower()
    if not _is_long(words):
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
    return unicodedata.name(letter[0], "UNKNOWN").replace("-", " ").split()[0]
