r"""Commands and signs of an expression, by what they do in it."""

SIGNS = frozenset(("+", "-", r"\pm", r"\mp"))
TIMES = frozenset(("*", r"\cdot", r"\times"))
SEPARATORS = frozenset((
    ",", ";", ":", "=", "<", ">", r"\le", r"\ge", r"\neq", r"\approx", r"\in", r"\cup", r"\cap", r"\setminus", "&",
    r"\to", r"\mid", r"\equiv", r"\pmod",
))  # fmt: skip
# A bracket that opens, and those that close it.
CLOSING = {"(": ")]", "[": ")]", "{": "}", r"\{": r"\}", "|": "|", r"\lfloor": r"\rfloor", r"\lceil": r"\rceil"}
CLOSERS = frozenset((")", "]", "}", r"\}", r"\rfloor", r"\rceil", r"\rangle"))
CALLED = frozenset((
    r"\sin", r"\cos", r"\tan", r"\cot", r"\sec", r"\csc", r"\arcsin", r"\arccos", r"\arctan", r"\sinh", r"\cosh",
    r"\tanh", r"\Gamma", r"\log", r"\ln", r"\exp", r"\gcd", r"\det", r"\max", r"\min", r"\operatorname{lcm}",
))  # fmt: skip
CONSTANTS = frozenset((r"\pi", "e", "i"))
# What an operator leaves to do; the second kind only where it stands around numbers: with letters it is a form.
OPERATOR = r"\\(?:sum|prod|int|iint|oint|lim|gcd|det|max|min|bmod|partial|operatorname\{lcm\}|begin\{v)"
OPERATORS_OF_NUMBERS = frozenset(("!", r"\binom", "|", r"\lfloor", r"\lceil"))
# The kind of work that a function of a number is; any other is a "function".
WORK_OF_CALLS = {
    r"\log": "logarithm", r"\ln": "logarithm", r"\arcsin": "angle", r"\arccos": "angle", r"\arctan": "angle",
}  # fmt: skip
# Kinds of which a gold answer that has one allows any number: a form, not a step of a computation.
FORMS = frozenset(("logarithm", "angle", "function", "denominator", "like terms", "root"))

# Commands that are no letter, and one sign for each kind of command in a name; subscripts, braces and marks over
# letters go.
NO_LETTER = (
    r"\\(?:frac|sqrt|pi|cdot|times|log|ln|sin|cos|tan|exp|binom|infty|le|ge|neq|in|cup|cap|setminus|emptyset)(?![A-Za-z])"
    r"|\\mathbb\s?\{[A-Z]\}|\\text\{(?:and|or)\}"
)
_MARK = r"overline|overset|hat|widehat|bar|tilde|angle|triangle|measuredangle|odot|mathcal|mathrm"
KINDS_IN_NAMES = (
    (r"\\frac\s?\{([^{}]*)\}\s?\{([^{}]*)\}", r"\1/\2"),
    (rf"\\(?:{_MARK}|operatorname|text|circ|(?:partial|Delta)(?=\s?[A-Za-z]))(?![A-Za-z])", ""),
    (r"\\(?:vec|overrightarrow|mathbf|boldsymbol)(?![A-Za-z])", "θ"),
    (r"\\(?:sin|cos|tan|cot|sec|csc)(?![A-Za-z])", "§"),
    (r"\\(?:lim|sum|prod|int|iint|oint|max|min|sup|inf|det|gcd|dim|deg)(?![A-Za-z])", "∫"),
    (r"\\(?:cup|cap|setminus)(?![A-Za-z])", "∪"),
    (r"\\(?:cdot|times|pm|mp|log|ln|exp|sqrt|frac|binom|mid)(?![A-Za-z])", "·"),
    (r"\\\||\\[lr]?[vV]ert(?![A-Za-z])", "|"),
    (r"\\[A-Za-z]+", "θ"),
    (r"[\s{}]+", ""),
)
TOKEN = (
    r"\\begin\s?\{[bpBv]?matrix\}(?:[^\\]|\\(?!begin|end))*+\\end\s?\{[bpBv]?matrix\}"
    r"|\\(?:text|operatorname|mathbb)\s?\{[^{}]*\}|\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\S"
)
