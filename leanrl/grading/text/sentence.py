r"""The sentence that a value stands in: \text{The answer is }5, Answer: 5, 5 is the answer, the area is 5."""

import re

from leanrl.grading.text.brackets import find_partners

# Only words that say nothing about the value. What denies, compares or hedges (not, wrong, about, twice) is not among
# them: it stays before the value, and makes words of it.
_LEADS = (
    r"so|thus|hence|therefore|then|and so|finally|in conclusion|in total|as a result|"
    r"we (?:get|have|find|obtain|conclude)|this (?:gives|means|yields|implies)|it follows|which (?:gives|means|is)|that"
)
_ADJECTIVES = (
    r"final|correct|right|required|desired|requested|exact|numerical|only|unique|total|maximum|minimum|maximal|minimal|"
    r"smallest|largest|least|greatest|possible|simplified|best|real|correct answer"
)
_ANSWERS = r"answer|ans|result|solution|option|choice"
_QUANTITIES = (
    r"value|number|sum|total|product|difference|quotient|remainder|ratio|probability|area|volume|length|width|height|"
    r"perimeter|circumference|radius|diameter|distance|speed|time|angle|cost|price|amount|root|limit|"
    r"integral|derivative|determinant|slope|equation|expression|function|set|range|domain|maximum|minimum|mean|median|mode|average|age"
)
_ADJECTIVE = rf"(?:(?:{_ADJECTIVES}) )*+"
_LINK = (
    r"(?:is|are|was|will be|must be|should be|would be|equals?|comes? (?:out )?to)"
    r"(?: equal to| given by| therefore| then)?"
)
_SUBJECTS = r"it|this|there|he|she|they|we|you"
_DOES = r"is|are|has|have|needs?|takes?|costs?|pays?|earns?|equals?|gets?"

# Matched on a text in which everything that only sets it (spaces, \text, its braces) is one space.
_BEFORE = re.compile(
    rf" ?(?:(?:{_LEADS})[ ,]+)*+(?:"
    rf"(?:(?:the|our|my|its|an?) )?{_ADJECTIVE}(?:{_ANSWERS})s?(?: to (?:the|this) (?:problem|question))?"
    rf"(?: {_LINK} ?:?| ?[:=.])"
    rf"|(?:the|our|its) (?P<name>{_ADJECTIVE}(?:{_QUANTITIES})s?(?: (?:of|for) [^=<>:.]{{1,40}}?)?) {_LINK}"
    rf"|(?:{_SUBJECTS}) (?:{_DOES})"
    rf"|(?=.)) *",
    re.IGNORECASE,
)
_AFTER = re.compile(rf" (?:is|are) (?:the|our|my) {_ADJECTIVE}(?:{_ANSWERS})s?[ .!]*+$", re.IGNORECASE)
_CHINESE = re.compile(r" ?(?:所以|因此|故|则)?(?:最终|最后|正确)?的?(?:答案|结果)(?:为|是|:)+ ?")
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
    return (
        f"{name.removeprefix('value of ')} = {value}" if name.startswith("value of ") else rf"\text{{{name}}} = {value}"
    )


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
