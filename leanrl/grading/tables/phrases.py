"""Words that are an answer of their own, or a part of one, as alternatives of a pattern."""

NO_SOLUTION = (
    r"(?:there (?:is|are|exists?) |(?:the )?(?:equation|system) has |has )?no (?:such |real )?"
    r"(?:solutions?|roots?|values?|zeros|x|n)(?: exists?)?|none|empty set|无解|无实数解"
)
ALL_REALS = r"(?:x is )?(?:all|any|every) reals?(?: numbers?)?"
# Languages of a code block that set text.
TEXT_LANGUAGES = frozenset(("", "latex", "tex", "math", "katex", "markdown", "md", "text", "txt", "plain", "plaintext"))
ARTICLES = ("the", "a", "an")
