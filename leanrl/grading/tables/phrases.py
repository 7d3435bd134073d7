"""Words that are an answer of their own, or a part of one, as alternatives of a pattern."""

NO_SOLUTION = (
    r"(?:there (?:is|are|exists?) |(?:the )?(?:equation|system) has |has )?no (?:such |real )?"
    r"(?:solutions?|roots?|values?|zeros|x|n)(?: exists?)?|none|empty set|无解|无实数解"
)
ALL_REALS = r"(?:x is )?(?:all|any|every) reals?(?: numbers?)?"
OTHERWISE = r"otherwise|else|elsewhere"
CONDITIONS = r"if|for|when|where|as"
MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
BASES = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
# What a free parameter runs over, by the word or the set that declares it.
PARAMETERS = r"(?:integer|whole number|natural number|constant|real number)s?"
DOMAINS = {"Z": "integer", "N": "natural number", "whole number": "integer", "real number": "constant"}
# Languages of a code block that set text.
TEXT_LANGUAGES = frozenset(("", "latex", "tex", "math", "katex", "markdown", "md", "text", "txt", "plain", "plaintext"))
ARTICLES = ("the", "a", "an")
