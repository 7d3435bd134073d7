r"""How kinds of answers are written, a pattern for each: (B) five, 101_2, 7k + 3, {x | x > 1}, a matrix, a name."""

CHOICE = (
    r"(?P<set>\\text\s?\{\s?)?(?:(?i:option|choice)\s+(?:\((?P<named>[A-J])\)|(?P<plain>[A-J])(?![A-Za-z]))|\((?P<round>[A-J])\)(?=\s|$|\\text|\})"
    r"|(?P<half>[A-J])\)|(?P<dotted>[A-J])[.:](?=(?:\s++\}?+|\}\s)\s*+(?:\\text|-?\d|\\frac|\\sqrt|[A-Za-z]{2})))[.:]?\s*"
)
# What stands behind a letter that is a factor or a summand, and chooses nothing.
NO_OPTION = r"[+*/^_=<>]|-\s|\\(?:cdot|times|le|ge|neq|cup|cap|to)(?![A-Za-z])"

_BASE = r"_\s?(?:\{\s?)?\(?(?P<base>\d{1,2}|\\text\s?\{[^{}]*\}|[a-z]{3,8})\)?(?:\s?\})?"
BASED = (
    rf"(?P<sign>-?)\(?(?P<digits>[A-F]*+\d[0-9A-F]*+|[A-F]{{2,16}}(?=\)?\s?_\s?\{{?\s?(?:16|\\text\s?\{{\s?hex)))\)?\s?"
    rf"(?:{_BASE}|\\text\s?\{{\s?base\s?\}}\s?(?P<named>\d{{1,2}}))"
)
SMALL_DIGITS = r"^-?\(?\d?[\da-f]*+(?=\)?\s?_)"
_BASES = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
BASES = {name: base for base, name in enumerate(_BASES, start=2)} | {
    "binary": 2, "bin": 2, "octal": 8, "oct": 8, "decimal": 10, "dec": 10, "sixteen": 16, "hexadecimal": 16, "hex": 16,
}  # fmt: skip
MODULO = r"(?P<value>.*\S)\s?\\pmod\{(?P<modulus>[^{}]+)\}"
PROGRESSION = r"(?P<factor>\d{1,6})[a-z](?P<rest>[-+]\d{1,6})?|(?P<first_rest>-?\d{1,6})\+(?P<last_factor>\d{1,6})[a-z]"

SET_BUILDER = (
    r"\\\{\s?(?P<letter>[A-Za-z])\s?(?:\\in\s?\\mathbb\s?\{(?P<domain>[RZN])\}\s?(?:\^\{?\+\}?)?)?\s?"
    r"(?:\\mid(?![A-Za-z])|:|\|)(?P<rule>.*)\\\}"
)
BRACKET = r"(?P<opening>\\langle|\\\{|[(\[])(?P<inside>.*)(?P<closing>\\rangle|\\\}|[)\]])"
# Operations on sets that letters name, and what a text of them is.
SET_OPERATORS = (
    (r"([A-Z]|\([^()]*+\))\s?\^\s?(?:\{\s?)?(?:[cC]|\\complement)(?![A-Za-z])(?:\s?\})?", r"~\1"),
    (r"\\(?:overline|bar)\s?\{([^{}]*+)\}|([A-Z])_\{p\}|(\([^()]*+\))'", r"~(\1\2\3)"),
    (r"\\cup(?![A-Za-z])", "|"),
    (r"\\cap(?![A-Za-z])", "&"),
    (r"\\setminus(?![A-Za-z])", "& ~"),
)
SETS_BY_LETTERS = r"^(?=[^|&~]*[|&~])(?:[(~ ]*+[A-Z][) ]*+(?:[|&]|$))+"
ENVIRONMENT = (
    r"(?:\\\{\s?)?\\begin\s?\{(?P<name>cases|array|[pb]?matrix|smallmatrix)\}(?:\s?\{[lcr|\s]*\})?"
    r"(?P<rows>.*)\\end\s?\{(?P=name)\}"
)
TRANSPOSED = r"(?P<row>[(\[].*[)\]])\s?\^\s?\{?\s?(?:T|\\top|\\intercal|\\text\s?\{T\})\s?\}?"
CONDITION = r"^[\s,]*\\text\s?\{\s?(?:if|for|when|where|as)(?:\s?\}\s?|\s)"
BRANCH = (
    r"(?P<value>.*?\S)\s?(?:\\text\s?\{\s?)?(?<![A-Za-z\\])(?:if|when|for)"
    r"(?![A-Za-z]| (?:all|any|every|each|some) )\s?\}?\s?(?P<condition>.+)"
)
REST = r"(?:\\text\s?\{\s?)?(?<![A-Za-z\\])(?:else|otherwise)(?![A-Za-z])(?:\s?\})?"
OTHERWISE = r"\\text\s?\{\s*(?:otherwise|else|elsewhere)\s*\}|otherwise|else|elsewhere"

# Of a text whose commands are signs by now, as `operators.KINDS_IN_NAMES` has them.
_CAPITALS = r"(?:[A-Z]'*)+"
_SETS = rf"{_CAPITALS}(?:∪{_CAPITALS})*"
NAME = (
    rf"[A-Za-zθ]'*|m?{_SETS}|\|(?:{_SETS}|z|θ[A-Za-z]+)\||{_CAPITALS}[/:]{_CAPITALS}|θ[A-Za-z]+"
    rf"|§(?:\^\d)?(?:[Aθ-ω]|{_CAPITALS})|d[A-Za-z]?/d[a-z]|∫.*"
)

# A run of letters in these is no word of an answer in words.
NO_WORDS = r"sqrt|frac|arcsin|arccos|arctan|sinh|cosh|tanh"
# No parser knows what an ellipsis leaves out, nor a word of another script.
IN_WORDS = (
    r"^(?:[^(){}|\\]|\\(?!n?mid))*+\\n?mid(?![A-Za-z])|\\text\s?\{[^{}]*[^\W\d_]|\\ldots(?![A-Za-z])|[^\W\d_a-zA-Z]"
    r"|^(?:yes|no|odd|even|none)$"
)
# What counts in a text: words, numbers, brackets, and signs that are no punctuation between words.
COUNTS_IN_WORDS = (
    r"\\text(?![A-Za-z])|(?P<token>\\[A-Za-z]+|[^\W\d_]+(?:'[^\W\d_]+)?|\d+(?:[.:/]\d+)*|(?<=\d),(?=\s?\d)"
    r"|[^\w\s{}$.,;:!?'\"\\-]|(?<![^\W\d_])-|-(?![^\W\d_]))"
)

# A formula that is not closed ends where the next begins, so that a search takes one pass.
FORMULA = (
    r"\$\$(?P<display>[^$]++)\$\$|(?<!\\)\$(?P<inline>(?:[^$\\]|\\.)++)\$|\\\((?P<round>(?:(?!\\[()]).)++)\\\)"
    r"|\\\[(?P<square>(?:(?!\\[\[\]]).)++)\\\]"
    r"|\\begin\{(?P<name>align|equation|gather)\*?\}(?P<rows>.{1,500}?)\\end\{(?P=name)"
)
# 3 + 4 and cos^2(x) - 1 in a sentence: no word but names of functions, no letter beside another.
_SIGN = r"(?:sqrt|sin|cos|tan|log|ln|exp|[^\sA-Za-z,;?$\\]|(?<![A-Za-z])[A-Za-z](?![A-Za-z]))"
PLAIN_FORMULA = rf"(?<![^\s(]){_SIGN}++(?:[ ]{_SIGN}++)*+"
SIDES = r"(?<![<>!:\\])=|[<>,;]|\\(?:approx|in|le|ge|neq|equiv|to|qquad|quad)(?![A-Za-z])|\\text\{(?:and|or)\}"
