r"""Spellings of one thing, and the one that the rest of grading reads: (pattern, replacement), tried in this order."""

Rules = tuple[tuple[str, str], ...]

NAMELESS = r"\varsigma"  # names what a statement leaves to the question: at least 4, \approx 4
DEGREE = "°"  # what all spellings of the degree sign are by now

ESCAPED_TWICE: Rules = ((r"\\\\(?=[A-Za-z])", r"\\"),)
DELIMITERS: Rules = (
    (r"^([^$]*+)(?<!\\)\$(?=\s?\d[^$]*+$)", r"\1\\$"),  # a single sign before a number is a currency
    (r"(?<!\\)\$|\\[()]|(?<!\\)\\[\[\]]", " "),
    (r"\\pounds(?![A-Za-z])", "£"),
    (r"\\euro(?![A-Za-z])", "€"),
)
SPACING: Rules = (
    (r"(?<=\d)(?:,?\\[,;:! ]|~|\{,\}(?:\\!)?)\s*(?=\d{3}(?!\d))", ""),  # 1\,000, 1,\!000 and 1{,}000
    (r"\{([,:;])\}", r"\1"),
    (r"\\(?:left|right|[bB]ig{1,2}[lrm]?)(?![A-Za-z])\s*\.?", ""),
    (r"\\(?:rm|bf|it)(?![A-Za-z])", ""),
    (r"(?<!\\)\\!", ""),
    (r"(?<!\\)\\(?:[,;: ]|(?:q?quad|thinspace|enspace)(?![A-Za-z]))|~", " "),
    (r"\s+", " "),
)
_SCRIPT = r"\s?(?:\{\s?(\w{1,9})\s?\}|(\d{1,3}|[A-Za-z]))"
_COUNT = r"\s?(?:\{\s?(\d{1,3})\s?\}|(\d{1,3}))"
_NOT_ONE = r"(?!\s?\{?\s?1\b)"
SYNONYMS: Rules = (
    (r"\\[dtc]frac(?![A-Za-z])", r"\\frac"),
    (r"\\[dt]binom(?![A-Za-z])", r"\\binom"),
    # What is not less is greater or equal; the sign struck through is read before the plain one.
    (r"\\ne(?![A-Za-z])|!=|=/=|\\not\s*+=", r"\\neq "),
    (r"\\not\s*+(?:<=|\\le(?:q|qslant|qq)?(?![A-Za-z]))|\\nleq(?:slant|q)?(?![A-Za-z])", ">"),
    (r"\\not\s*+(?:>=|\\ge(?:q|qslant|qq)?(?![A-Za-z]))|\\ngeq(?:slant|q)?(?![A-Za-z])", "<"),
    (r"\\not\s*+(?:<|\\lt(?![A-Za-z]))|\\nless(?![A-Za-z])", r"\\ge "),
    (r"\\not\s*+(?:>|\\gt(?![A-Za-z]))|\\ngtr(?![A-Za-z])", r"\\le "),
    (r"\\not\s*+\\in(?![A-Za-z])", r"\\notin "),
    (r"\\(?:leq|leqslant|leqq)(?![A-Za-z])|<=", r"\\le "),
    (r"\\(?:geq|geqslant|geqq)(?![A-Za-z])|>=", r"\\ge "),
    (r"\\gt(?![A-Za-z])", ">"),
    (r"\\lt(?![A-Za-z])", "<"),
    (r"\\(?:varnothing|O)(?![A-Za-z])", r"\\emptyset "),
    (r"\\(?:dots|dotsc|dotsb|cdots)(?![A-Za-z])|\.\.\.", r"\\ldots "),
    (r"\\lbrace(?![A-Za-z])", r"\\{"),
    (r"\\rbrace(?![A-Za-z])", r"\\}"),
    (r"\\lbrack(?![A-Za-z])", "["),
    (r"\\rbrack(?![A-Za-z])", "]"),
    (r"\\[lr]vert(?![A-Za-z])|\\vert(?![A-Za-z])", "|"),
    (r"\\colon(?![A-Za-z])", ":"),
    (r"\\(?:simeq|thickapprox)(?![A-Za-z])|^\s*+\\sim(?=\s*+-?[\d.])", r"\\approx "),
    (
        r"[(\[]\s*+\\begin\s*+\{(array|matrix)\}\s*+(?:\{[^{}]*+\})?+((?:[^\\]|\\(?!begin|end))*+)\\end\s*+\{\1\}\s*+[)\]]",
        r"\\begin{pmatrix}\2\\end{pmatrix}",
    ),
    (r"\\backslash(?![A-Za-z])", r"\\setminus "),
    (r"\\div(?![A-Za-z])", "/"),
    (r"\*\*", "^"),
    (r"\\(?:ast|cdotp)(?![A-Za-z])", r"\\cdot "),
    (r"\\R(?![A-Za-z])|\\(?:mathbf|mathrm|bf)\s*\{R\}", r"\\mathbb{R}"),
    (r"\\(?:mathbb|Bbb)\s*([A-Z])(?![A-Za-z])", r"\\mathbb{\1}"),
    (r"\\frac\s?\{\s?d\s?([a-z])\s?\}\s?\{\s?d\s?x\s?\}", r"\1'"),
    (r"\\frac\s?\{\s?d\s?\^\s?\{?2\}?\s?([a-z])\s?\}\s?\{\s?d\s?x\s?\^\s?\{?2\}?\s?\}", r"\1''"),
    (
        r"\(\s*+\\?[bp]?mod(?:ulo)?+(?![A-Za-z])\s*+\{?+([^(){}]++)\}?+\s*+\)|(?:\\[pb]?mod|(?<=\s)mod)(?![A-Za-z])\s*\{?([A-Za-z\d^]+)\}?",
        r"\\pmod{\1\2}",
    ),
    (rf"(?<![\w}})\]])(?:\{{\s?\}}\s?)?[_^]{_SCRIPT}\s?C_{_SCRIPT}", r"\\binom{\1\2}{\3\4}"),
    # C_n^k, A_n^k and P_n^k; of the constant C_1 it is a power.
    (
        rf"(?<![A-Za-z\\}}])C\s?(?:_{_NOT_ONE}{_SCRIPT}\s?\^{_SCRIPT}|\^{_SCRIPT}\s?_{_NOT_ONE}{_SCRIPT})",
        r"\\binom{\1\2\7\8}{\3\4\5\6}",
    ),
    (
        rf"(?<![A-Za-z\\}}])(?:[AP]\s?_{_NOT_ONE}{_COUNT}\s?\^{_COUNT}|(?:\{{\s?\}}\s?)?[_^]{_COUNT}\s?P_{_COUNT})",
        r"\\frac{\1\2\5\6!}{(\1\2\5\6-\3\4\7\8)!}",
    ),
    (r"^(\d+)\s?(?:\||\\mid(?![A-Za-z]))\s?([a-z])$", r"\2 \\equiv 0 \\pmod{\1}"),  # 3 divides n
    (r"^(-?)0x([\dA-Fa-f]{1,16})$", r"\1\2_{16}"),
    (r"^(-?)0b([01]{1,64})$", r"\1\2_{2}"),
    (r"\\log\s?_\s?(?:\{\s?e\s?\}|e(?![A-Za-z]))", r"\\ln "),
    (r"\\(?:tg)(?![A-Za-z])", r"\\tan"),
    (r"\\ctg(?![A-Za-z])", r"\\cot"),
    (r"\\(?:infin|infinity)(?![A-Za-z])|(?<![A-Za-z\\])(?:infinity|inf|oo)(?![A-Za-z])", r"\\infty "),
    (r"(?<![A-Za-z\\])pi(?![A-Za-z])", r"\\pi "),
    (r"(?<!\s)\s*+\^\s*+(?:\{\s*+(?:\\circ|\\degree)\s*+\}|\\circ|\\degree)|\\(?:text)?degree(?![A-Za-z])", DEGREE),
    (rf"(?<=\d){DEGREE}\s?(?=[kmn](?![A-Za-z]))", rf"\\unit{{{DEGREE}}} "),  # 180° n, a family of angles
    (r"(?<=\d)\s?[xX]\s?(?=10\s?\^)", r"\\times "),  # 8.7 x 10^8
)
# What stands before an argument: a bracket, a power, a number, or a letter of its own. 5 sec and 20 min have none.
_ARGUMENT = r"(?=\s?(?:[(\[{^_\\]|\d)|\s[A-Za-z](?![A-Za-z]))"
FUNCTIONS: Rules = (
    (r"(?<![A-Za-z\\])(sqrt|cbrt)\s?(\d++(?:\.\d++)?)", r"\\\1{\2}"),
    (r"(?<![A-Za-z\\])(sqrt|cbrt)(?![A-Za-z])", r"\\\1"),
    (r"\\cbrt(?![A-Za-z])", r"\\sqrt[3]"),
    (r"(?<![A-Za-z\\])a(?:rc)?(sin|cos|tan)(?![A-Za-z])" + _ARGUMENT, r"\\arc\1 "),
    (r"(?<![A-Za-z\\])log\s?(\d{1,3})(?=\s?[(\[])", r"\\log_{\1}"),
    (r"(?<![A-Za-z\\])((?:sin|cos|tan|cot)h?|sec|csc|ln|lg|log|exp)(?![A-Za-z])" + _ARGUMENT, r"\\\1 "),
    (r"(?<![A-Za-z\\])(sin|cos|tan|cot|ln|log)x(?![A-Za-z])", r"\\\1 x"),
    (r"(?<![A-Za-z\\])(gcd|max|min)(?=\s?\()", r"\\\1"),
    (r"(?<![A-Za-z\\{])\\?lcm(?=\s?[(\\])", r"\\operatorname{lcm}"),
    (r"(?<![A-Za-z\\])abs\s?\(([^()]*+)\)", r"|\1|"),
    (r"(?<![A-Za-z\\])floor\s?\(([^()]*+)\)", r"\\lfloor \1 \\rfloor "),
    (r"(?<![A-Za-z\\])ceil\s?\(([^()]*+)\)", r"\\lceil \1 \\rceil "),
    (
        r"(?<![A-Za-z\\])(alpha|beta|gamma|delta|epsilon|theta|lambda|sigma|omega|phi|psi|rho|mu|tau)(?![A-Za-z])",
        r"\\\1 ",
    ),
    (r"\\lg(?![A-Za-z])", r"\\log_{10}"),
    (r"\\(sin|cos|tan)\s?\^\s?(?:\{\s?-\s?1\s?\}|-\s?1(?!\d))", r"\\arc\1 "),
)
ANGLES_AND_TIMES: Rules = (
    (r"\\(?:operatorname|text|mathrm)\s?\{\s?cis\s?\}|(?<![A-Za-z\\])cis(?![A-Za-z])", r"\\cis "),
    (r"\\cis\s++(?:\(\s?(-?\d++(?:\.\d++)?)\s?°\s?\)|(-?\d++(?:\.\d++)?)\s?°)", r"e^{\\frac{\1\2\\pi}{180}i}"),
    (
        r"\\cis\s++(?:\(([^()]*+)\)|((?:-|\d++|\\frac\{[^{}]*+\}\{[^{}]*+\}|\\[a-z]++\s?|[a-z](?![a-z]))++))",
        r"e^{(\1\2)i}",
    ),
    # The sine of an angle in degrees is no longer that without the sign.
    (
        r"(\\(?:sin|cos|tan|cot|sec|csc)(?![A-Za-z])(?:\^\{?-?\d\}?)?\s?\(?\s?)(\d+(?:\.\d+)?)°",
        r"\1\\frac{\2\\pi}{180}",
    ),
    (r"^(?:\\text\s?\{)?\s?(?:a )?quarter past (\w{1,6})\s?\}?$", r"\1:15"),
    (r"^(?:\\text\s?\{)?\s?(?:a )?quarter to (\w{1,6})\s?\}?$", r"\1:-15"),  # of the hour to come
    (r"^(?:\\text\s?\{)?\s?half past (\w{1,6})\s?\}?$", r"\1:30"),
    (r"^(?:\\text\s?\{)?\s?(?:12(?::00)?\s?)?[Nn]oon\s?\}?$", r"12:00 \\text{pm}"),
    (r"^(?:\\text\s?\{)?\s?[Mm]idnight\s?\}?$", r"12:00 \\text{am}"),
    (r"(?<=\d)\s?(?:\\text\s?\{)?\s?o'clock\s?\}?", ":00"),
    (
        r"(?:(?<=:\d\d)\s?|(?<=\d)(?:\s|\s?\\(?:text|mbox|mathrm)\s?\{)\s?)([AaPp])\.?\s?[Mm](?![A-Za-z])\.?\s?\}?",
        r" \\text{\1m}",
    ),
)
_ORDER = (
    ("(?:at least|no less than|not less than)", r"\\ge"),
    ("(?:at most|no more than|not more than)", r"\\le"),
    ("(?:more|greater|larger) than", ">"),
    ("(?:less|smaller|fewer) than", "<"),
)
_COMPARED = rf"(?:[A-Za-z]\s)?(?:(?:is|must be)\s)?(?i:{'|'.join(words for words, _ in _ORDER)})"
_NUMBER_FOLLOWS = r"(?=\s*+(?:-?\.?\d|\\(?:frac|sqrt|pi)(?![A-Za-z])))"
# A number that words compare; before anything else they stay words.
RELATIONS: Rules = (
    (rf"\\text\s*+\{{\s*+({_COMPARED})\s*+\}}{_NUMBER_FOLLOWS}", r" \1 "),
    (rf"^\\text\s*+\{{\s*+({_COMPARED}{_NUMBER_FOLLOWS}[^{{}}]*+)\}}", r"\1"),
    *(
        (rf"^\s*+(?:([A-Za-z])\s++(?:is|must be)\s++)?(?i:{words}){_NUMBER_FOLLOWS}", rf"\1 {sign} ")
        for words, sign in _ORDER
    ),
)
PERCENT: Rules = (
    # An amount: $5k, $1.5M, $15/hour; an hour and a half; a half of a dozen.
    (r"((?:\\\$|[€£¥₹₽])\s?\d[\d.,]*+)\s?[kK](?![A-Za-z])", r"\1 \\text{thousand}"),
    (r"((?:\\\$|[€£¥₹₽])\s?\d[\d.,]*+)\s?M(?![A-Za-z])", r"\1 \\text{million}"),
    (r"((?:\\\$|[€£¥₹₽])\s?\d[\d.,]*+)\s?B(?![A-Za-z])", r"\1 \\text{billion}"),
    (r"((?:\\\$|[€£¥₹₽])\s?\d[\d.,]*+)\s?/\s?(?:\\text\s?\{\s?)?([a-z]{2,12})(?![a-z])\}?", r"\1 \\text{per \2}"),
    (
        r"^((?:\\text\s?\{\s?)?+)(an?|one|two|three|\d{1,4})\s?((?:\\text\s?\{)?+)\s?"
        r"(hours?|days?|weeks?|months?|years?|minutes?|miles?)"
        r" and a (half|quarter)",
        r"\1\2 \3and a \5 \4",
    ),
    (r"\bhalf a dozen\b", "six"),
    # A part of a whole in Chinese, and what there is in each.
    (r"百分之(\d[\d.]*+|[零一二两三四五六七八九十]{1,5})", r"\1%"),
    (r"^每(小时|分钟|秒|天)\s?(\d[\d.]*+)\s?([^\W\d_]{1,6})$", r"\2\3/\1"),
    # A number leaves the words that it stands in, with the sign of its currency.
    (r"\\text\s*+\{\s*+([-+]?(?:\\\$|[€£¥₹₽])?\s*+\d[\d.,/]*+)\s*+([^\W\d_][^{}\d]*+)?\}", r" \1 \\text{\2}"),
    (
        r"\\(?:text|mbox|mathrm)\s*\{\s*(?:per ?cent|percentage|pct\.?)\s*\}|\b(?:per ?cent|percentage|pct)\b"
        r"|(?<=\d)\s?(?:\\text\s?\{\s?)?(?:[Pp]rozent|por ?ciento|pour ?cent|процент(?:а|ов)?)(?!\w)\s?\}?",
        "%",
    ),
    (r"(?<=\d)\s?(?:‰|\\text\s?\{\s?‰\s?\})", r"\\unit{‰}"),
    (r"(?<!\s)\s*+\\?%", r"\\%"),
)
PRIMES: Rules = (
    (r"^(-?\d++(?:\.\d++)?)\s?'$", r"\1\\unit{ft-arcmin}"),
    (r"^(-?\d++(?:\.\d++)?)\s?''$", r"\1\\unit{in-arcsec}"),
)
CURRENCY_LEFT: Rules = ((r"\\\$|[£€¥₹₽¢]", ""),)  # what stands beside no number
JOINT = "and|or"
_HAN = r"[\u3400-\u9fff]"
FONTS: Rules = (
    # A small letter in bold or under an arrow is a vector.
    (
        r"\\(?:mathbf|boldsymbol|bm|vec|overrightarrow|hat)(?![A-Za-z])\s*+\{?+\s*+\\?+([ijk])(?:math)?+(?![A-Za-z])\s*+\}?",
        r"\\vec{\1}",
    ),
    (
        r"\\(?:mathbf|boldsymbol|bm|vec|overrightarrow)(?![A-Za-z])\s*+(?:\{\s*+([a-z])\s*+\}|([a-z])(?![A-Za-z]))",
        r"\\vec{\1\2}",
    ),
    # One command for words, whatever their font.
    (
        r"\\(?:textbf|textit|textrm|texttt|textsf|textnormal|emph|mbox|hbox|mathrm|mathbf|mathit|mathsf|boldsymbol|bm"
        r"|mathnormal|textsc|operatorname\*?)\s*\{",
        r"\\text{",
    ),
    # An ordinal leaves its exponent.
    (r"(?<=\d)\s*+\^\s*+\{\s*+(?:\\text\s*+\{\s*+)?(st|nd|rd|th)\s*+\}(?:\s*+\})?", r"\\text{\1}"),
)
WORDS: Rules = (
    # The joining words of other languages, where they stand between values.
    (rf"\\text\s*+\{{\s*+(?:或者?|或是|oder|ou|или)\s*+\}}|(?<!{_HAN})(?:或者?|或是)(?!{_HAN})", r" \\text{or} "),
    (
        rf"\\text\s*+\{{\s*+(?:[和与及且]|以及|并且|und|et|ed|и)\s*+\}}|(?<!{_HAN})(?:[和与及且]|以及|并且)(?!{_HAN})",
        r" \\text{and} ",
    ),
    # What joins the parts of a list; a comma before it joins nothing.
    (rf"(?:,\s?)?\\text\{{({JOINT})\}}|(?:,\s?)?(?<![A-Za-z\\])({JOINT})(?![A-Za-z])", r" \\text{\1\2} "),
    (r"(\d{1,9})\s?分之\s?(\d{1,9})", r"\\frac{\2}{\1}"),
    (r"(?<=\d)\s?(?:\\text\s?\{\s?to\s?\}|\bto\b)\s?(?=\d)", ":"),  # a ratio, 3 to 4
    (  # a part, 2 out of 3; by now, 1 in 6 seems to be an inch
        r"^(?:\\text\s?\{\s?)?(\d{1,9})\s*+(?:\\unit\{in\}|(?:\\text\s?\{\s?)?out of)\s*+\}?\s*+(\d{1,9})\s?\}?$",
        r"\\frac{\1}{\2}",
    ),
    # What a bracket shows by itself.
    (
        r"^\\text\s?\{\s?(?i:the )?(?i:points?|vectors?|intervals?|(?:ordered )?pairs?)\s?\}\s?(?=[(\[]|\\langle)",
        "",
    ),
    (r"\\(?:land|wedge)(?![A-Za-z])", r" \\text{and} "),
    (r"\\(?:lor|vee)(?![A-Za-z])", r" \\text{or} "),
    # A letter, a number or a plain term set as text is itself.
    (r"\\text\s*\{\s*([A-Za-z]|\\[A-Za-z]+|[A-Za-z+\-*/=.,()^]*\d[A-Za-z\d+\-*/=.,()^]*)\s*\}", r" \1 "),
    (r"\\text\s*\{\s*\(([A-Za-z])\)\s*\}", r" (\1) "),
    (r"\\text\s*\{\s*(sin|cos|tan|cot|sec|csc|arcsin|arccos|arctan|log|ln|exp|gcd|max|min|det)\s*\}", r"\\\1 "),
    (r"\\text\s*\{\s*(lcm)\s*\}", r"\\operatorname{\1}"),
)
NUMBERS: Rules = (
    (r"(?<![\w.}])\.(?=\d)", "0."),  # .5
    (r"(?<=\d)(?:\.|/-)(?!\d)", ""),  # 3. and the full stop behind an answer, Rs 500/-
    (r"(?<![A-Za-z\\\d])(\d++(?:\.\d++)?)[eE]([-+]?\d{1,3})(?![\dA-Za-z]|\s?_)", r"\1 \\cdot 10^{\2}"),
    (r"^\+(?=[\d\\(.])", ""),
)
LAST: Rules = (
    (r"\s+", " "),
    (r"(=\s?-?(?:\d[\d./]*+|\\frac\{[^{}]*+\}\{[^{}]*+\}))\s(?=[A-Za-z]\s?=)", r"\1, "),  # m = 2 n = 3
    (r"^(?:\\(?:therefore|Rightarrow|implies|to)(?![A-Za-z])|=)\s*", ""),
    (r"^(?=[<>]|\\(?:approx|le|ge)(?![A-Za-z]))", rf"\{NAMELESS} "),
    (r"^((?:[a-z]\s?\\in\s?)?)\\mathbb\s?\{R\}\s?[\^_]\s?\{?\s?\+\s?\}?$", r"\1(0,\\infty)"),
    (r"^((?:[a-z]\s?\\in\s?)?)\\mathbb\s?\{R\}\s?_\s?\{\s?>\s?0\s?\}$", r"\1(0,\\infty)"),
    (r"^((?:[a-z]\s?\\in\s?)?)\\mathbb\s?\{R\}\s?_\s?\{\s?\\ge\s?0\s?\}$", r"\1[0,\\infty)"),
    (r"(\\mathbb\s?\{R\})\s?-\s?(?=\\\{)", r"\1\\setminus "),
    (r"^(?:-\s?\\infty\s?<\s?[a-z]\s?<\s?\+?\\infty|\+?\\infty\s?>\s?[a-z]\s?>\s?-\s?\\infty)$", r"\\mathbb{R}"),
    (r"^\](.*)[,;]([^,;]*)\[$", r"(\1,\2)"),  # ]0, 1[
    (r"^\](.*)[,;]([^,;]*)\]$", r"(\1,\2]"),
    (r"^\[(.*)[,;]([^,;]*)\[$", r"[\1,\2)"),
)
