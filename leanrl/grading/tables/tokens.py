r"""The tokens of a text in which units may stand, by kind."""

from leanrl.grading.tables.sentences import JOINS
from leanrl.grading.tables.spellings import DEGREE

_SET_IN_TEXT = r"\\text\s*+\{[^{}]*+(?:\{[^{}]*+\}[^{}]*+){0,2}+\}"
TOKENS = {
    "text": _SET_IN_TEXT,
    "fraction": rf"\\frac\s*+\{{\s*+{_SET_IN_TEXT}\s*+\}}\s*+\{{\s*+{_SET_IN_TEXT}\s*+\}}",
    "sign": DEGREE + r"|(?:US)?\\\$|[€£¥₹₽¢]",
    "note": r"(?<=\d)\s++\(\s*+[A-Za-z][A-Za-z ]{1,40}+\)",
    "join": rf"(?:{JOINS})(?![A-Za-z])",
    "word": r"[^\W\d_]++(?:-[^\W\d_]++)*+\.?",
    "power": r"\^\s*+(?:\{\s*+-?\d\s*+\}|-?\d)|(?<=[A-Za-z])[23](?![\w.])",
    "dot": r"\\cdot(?![A-Za-z])|\*|·",
    "slash": r"/",
    "letter": r"\\(?:mu|Omega|AA|ell)(?![A-Za-z])",
    "space": r"\s++",
    "number": r"\d[\d.,]*+",
    "command": r"\\(?:[A-Za-z]++|.)",
    "other": r".",
}
OF_UNITS = frozenset(("text", "fraction", "sign", "note", "word", "power", "dot", "slash", "letter", "space"))
SET_OFF = frozenset(("text", "fraction", "sign", "note"))  # these are no variables, wherever they stand
# Behind these there is no value that could have a unit; behind a unit, the last ones make it something else.
NO_VALUE = (
    r"[-+=<>,;:(\[{/*&|^_!]"
    r"|\\(?:le|ge|neq|approx|in|times|pm|mp|cup|cap|to|equiv|sim|mid|setminus|frac|sqrt|text|quad|\\)"
)
NO_END = r"[(\[{^_]"
