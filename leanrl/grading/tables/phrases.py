"""Words that are an answer of their own, or a part of one, as alternatives of a pattern."""

from leanrl.grading.tables.spellings import Rules

NO_SOLUTION = (
    r"(?:there (?:is|are|exists?) |(?:the )?(?:equation|system) has |has )?no (?:such |real )?"
    r"(?:solutions?|roots?|values?|zeros|x|n)(?: exists?)?|none|empty set|无解|无实数解"
)
_ALL = r"^(?:x is )?(?:all|any|every) "
_THERE_ARE = r"^(?:there (?:is|are) |(?:the )?(?:equation|system) has )?(?:an )?"
VALUES_IN_WORDS: Rules = (
    (rf"{_ALL}reals?(?: numbers?)?$", r"\\mathbb{R}"),
    (r"^(?:x is )?(?:(?:all|any|every) )?positive reals?(?: numbers?)?$", r"(0,\\infty)"),
    (rf"{_ALL}rationals?(?: numbers?)?$", r"\\mathbb{Q}"),
    (rf"{_ALL}(?:integers?|whole numbers?)$", r"\\mathbb{Z}"),
    (rf"{_THERE_ARE}(?:infinitely many|infinite(?: number of)?)(?: (?:solutions?|roots?|values?))?$", r"\\infty"),
    (
        r"^(?:(?:the )?(?:limit|value|it) )?(?:dne|does not exist|(?:is )?not defined|is undefined)$",
        r"\\text{undefined}",
    ),
)
# Languages of a code block that set text.
TEXT_LANGUAGES = frozenset(("", "latex", "tex", "math", "katex", "markdown", "md", "text", "txt", "plain", "plaintext"))
# The number of those not present is a name; what x cannot be is none.
DENIAL = r"^not\b|\bnot(?: be)?(?: equals?)?(?: to)?(?: \w)?$|\b(?:cannot|never|wrong)\b"
ARTICLES = ("the", "a", "an", "on", "at")
