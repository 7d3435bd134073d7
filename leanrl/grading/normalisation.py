"""One spelling for the many of an answer, so that less is left to a parser."""

import re
import unicodedata

_DELIMITERS = (("$$", "$$"), ("$", "$"), (r"\[", r"\]"), (r"\(", r"\)"))
_THOUSANDS = re.compile(r"(?<=\d)\\[,!]\s*(?=\d{3}(?!\d))")


def normalise(text: str) -> str:
    """Return the answer in compatibility characters, without delimiters, thin spaces and a trailing full stop."""
    text = unicodedata.normalize("NFKC", text).strip()
    for opening, closing in _DELIMITERS:
        if text.startswith(opening) and text.endswith(closing) and len(text) >= len(opening + closing):
            text = text[len(opening) : -len(closing)].strip()
    return _THOUSANDS.sub("", text).rstrip(".").strip()
