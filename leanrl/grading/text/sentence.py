r"""The sentence that a value stands in: \text{The answer is }5, Answer: 5, 5 is the answer, the area is 5."""

import re

from leanrl.grading.tables import sentences
from leanrl.grading.text.brackets import find_partners

_BEFORE = re.compile(sentences.INTRODUCTION, re.IGNORECASE)
_AFTER = re.compile(sentences.IS_THE_ANSWER, re.IGNORECASE)
_CHINESE = re.compile(sentences.CHINESE_INTRODUCTION)
_MAX_CHARS = 200  # a sentence is no longer
_SETTING = re.compile(r"\\text\s*+\{")


def drop_sentence(text: str) -> str:
    r"""Return the text without the words that only introduce its value; a quantity that is told is a name: area = 5.

    Commands that set words are all \text by now.
    """
    plain, places = _plain_text(text)
    after = _AFTER.search(plain, max(0, len(plain) - _MAX_CHARS))
    if after and plain[: after.start()].strip():
        return _cut(text, 0, places[after.start()])
    before = _CHINESE.match(plain) or _BEFORE.match(plain[:_MAX_CHARS])
    if before is None or not before.group().strip() or before.end() >= len(plain.rstrip()):
        return text
    value = _cut(text, places[before.end()], len(text))
    name = before.groupdict().get("name")
    if not name:
        return value
    if name.startswith("value of "):
        return f"{name.removeprefix('value of ')} = {value}"
    return rf"\text{{{name}}} = {value}"


def _plain_text(text: str) -> tuple[str, list[int]]:
    r"""Return the text with spaces, \text and its braces as single spaces, and where each character stood."""
    partners = find_partners(text)
    skipped: set[int] = set()
    for command in _SETTING.finditer(text):
        opening = command.end() - 1
        if opening in partners:
            skipped.update((*range(command.start(), command.end()), partners[opening]))
    characters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        is_space = place in skipped or character.isspace()
        if not (is_space and characters and characters[-1] == " "):
            characters.append(" " if is_space else character)
            places.append(place)
    return "".join(characters), places


def _cut(text: str, start: int, end: int) -> str:
    r"""Return a part of the text; a \text that is open where it begins or ends is opened or closed there."""
    partners = find_partners(text)
    is_opened_before = is_left_open = False
    for command in _SETTING.finditer(text):
        closing = partners.get(command.end() - 1, len(text))
        is_opened_before |= command.start() < start <= closing
        is_left_open |= command.start() < end <= closing and start <= closing
    part = text[start:end]
    return (r"\text{" if is_opened_before else "") + part + ("}" if is_left_open else "")
