r"""The sentence that a value stands in: \text{The answer is }5, Answer: 5, 5 is the answer, the area is 5."""

import re

from leanrl.grading.tables import sentences
from leanrl.grading.text.brackets import find_partners, replace_spans

# \text{ and the brace that closes it are one character each while a sentence is looked for.
_OPENING, _CLOSING = "\ue000", "\ue001"
_GAP = rf"[\s{_OPENING}{_CLOSING}]"
_GAPS = re.compile(f"{_GAP}++")
_SETTING = re.compile(r"\\text\s*+\{")
_MAX_CHARS = 200  # a sentence is no longer


def _with_gaps(pattern: str) -> str:
    r"""Return a pattern whose spaces are all that only sets words: spaces, \text and its braces."""
    return pattern.replace(" ?", f"{_GAP}*+").replace(" *", f"{_GAP}*+").replace(" ", f"{_GAP}++")


_BEFORE = re.compile(_with_gaps(sentences.INTRODUCTION), re.IGNORECASE)
_AFTER = re.compile(f"(?<!{_GAP})" + _with_gaps(sentences.IS_THE_ANSWER), re.IGNORECASE)
_CHINESE = re.compile(_with_gaps(sentences.CHINESE_INTRODUCTION))


def drop_sentence(text: str) -> str:
    r"""Return the text without the words that only introduce its value; a quantity that is told is a name: area = 5.

    Commands that set words are all \text by now.
    """
    marked = _mark(text)
    after = _AFTER.search(marked, max(0, len(marked) - _MAX_CHARS))
    if after and _GAPS.sub("", marked[: after.start()]):
        return _unmark(marked[: after.start()])
    before = _CHINESE.match(marked) or _BEFORE.match(marked, 0, _MAX_CHARS)
    if before is None or not _GAPS.sub("", before.group()) or not _GAPS.sub("", marked[before.end() :]):
        return text
    value = _unmark(marked[before.end() :])
    name = _GAPS.sub(" ", before.groupdict().get("name") or "")
    if name.startswith("value of "):
        return f"{name.removeprefix('value of ')} = {value}"
    return rf"\text{{{name}}} = {value}" if name else value


def _mark(text: str) -> str:
    partners = find_partners(text)
    edits = []
    for command in _SETTING.finditer(text):
        closing = partners.get(command.end() - 1)
        if closing is not None:
            edits += [(command.start(), command.end(), _OPENING), (closing, closing + 1, _CLOSING)]
    return replace_spans(text, sorted(edits))


def _unmark(part: str) -> str:
    r"""Return a part of a marked text; a \text that is open where it begins or ends is opened or closed there."""
    before, after = part.partition(_OPENING)[0], part.rpartition(_CLOSING)[2]
    part = (_OPENING if _CLOSING in before else "") + part + (_CLOSING if _OPENING in after else "")
    return part.replace(_OPENING, r"\text{").replace(_CLOSING, "}")
