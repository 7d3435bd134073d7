"""The rows of a table of spellings, applied one after the other."""

import re

Rule = tuple[re.Pattern[str], str]


def compiled(*tables: tuple[tuple[str, str], ...]) -> tuple[Rule, ...]:
    """Return the rows of tables, in order, as patterns with their replacements."""
    return tuple((re.compile(pattern), replacement) for table in tables for pattern, replacement in table)


def apply_rules(rules: tuple[Rule, ...], text: str) -> str:
    """Return the text with each pattern replaced, in order."""
    for pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    return text
