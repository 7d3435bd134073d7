"""Code blocks of a completion: what stands in one is no answer."""

import re

from leanrl.grading.tables.phrases import TEXT_LANGUAGES

_FENCE = re.compile(r"^[ \t]*+(?P<fence>`{3,}|~{3,})[ \t]*+(?P<language>[^\n`]*)$", re.MULTILINE)


def drop_code(text: str) -> str:
    """Return the text without fenced blocks of a programming language; a block that is not closed ends with the text.

    A block without a language, or of one that sets text, is text.
    """
    pieces, last = [], 0
    fence, is_code = "", False
    for line in _FENCE.finditer(text):
        if not fence:
            fence, language = line["fence"], line["language"].strip().casefold()
            is_code = language not in TEXT_LANGUAGES
            if is_code:
                pieces.append(text[last : line.start()])
        elif line["fence"].startswith(fence) and not line["language"].strip():
            last = line.end() if is_code else last
            fence, is_code = "", False
    return "".join(pieces if is_code else [*pieces, text[last:]])
