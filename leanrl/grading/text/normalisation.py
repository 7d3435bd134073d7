"""One spelling for the many of an answer, so that little is left to a parser."""

import re

from leanrl.grading.text.arguments import brace_arguments
from leanrl.grading.text.brackets import trim
from leanrl.grading.text.characters import spell_in_latex
from leanrl.grading.text.dressing import undress
from leanrl.grading.text.numbers import THOUSANDS
from leanrl.grading.text.repeating import as_fractions
from leanrl.grading.text.sentence import drop_sentence
from leanrl.grading.units.marking import DEGREE, mark_units
from leanrl.grading.units.numerals import read_numerals

Rule = tuple[re.Pattern[str], str]


def _rules(*pairs: tuple[str, str]) -> tuple[Rule, ...]:
    return tuple((re.compile(pattern), replacement) for pattern, replacement in pairs)


_DELIMITERS = _rules(
    (r"(?<!\\)\$|\\[()]|(?<!\\)\\[\[\]]", " "),
    (r"\\pounds(?![A-Za-z])", "£"),
    (r"\\euro(?![A-Za-z])", "€"),
)
_SPACING = _rules(
    (r"(?<=\d)(?:,?\\[,;:! ]|~|\{,\}(?:\\!)?)\s*(?=\d{3}(?!\d))", ""),  # 1\,000, 1,\!000 and 1{,}000
    (r"\{([,:;])\}", r"\1"),
    (r"\\(?:left|right|[bB]ig{1,2}[lrm]?)(?![A-Za-z])\s*\.?", ""),
    (r"\\(?:rm|bf|it)(?![A-Za-z])", ""),
    (r"(?<!\\)\\!", ""),
    (r"(?<!\\)\\(?:[,;: ]|(?:q?quad|thinspace|enspace)(?![A-Za-z]))|~", " "),
    (r"\s+", " "),
)
_SYNONYMS = _rules(
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
    (r"\\(?:simeq|thickapprox)(?![A-Za-z])", r"\\approx "),
    (
        r"[(\[]\s*+\\begin\s*+\{(array|matrix)\}\s*+(?:\{[^{}]*+\})?+((?:[^\\]|\\(?!begin|end))*+)\\end\s*+\{\1\}\s*+[)\]]",
        r"\\begin{pmatrix}\2\\end{pmatrix}",
    ),
    (r"\\backslash(?![A-Za-z])", r"\\setminus "),
    (r"\\div(?![A-Za-z])", "/"),
    (r"\*\*", "^"),
    (r"\\(?:ast|cdotp)(?![A-Za-z])", r"\\cdot "),
    (r"\\R(?![A-Za-z])|\\(?:mathbf|mathrm|bf)\s*\{R\}", r"\\mathbb{R}"),
    (
        r"\(\s*+\\[bp]?mod\s*+\{?+([^(){}]++)\}?+\s*+\)|\\(?:pmod|bmod|mod)(?![A-Za-z])\s*\{?([A-Za-z\d^]+)\}?",
        r"\\pmod{\1\2}",
    ),
    (r"\\(?:tg)(?![A-Za-z])", r"\\tan"),
    (r"\\ctg(?![A-Za-z])", r"\\cot"),
    (r"\\(?:infin|infinity)(?![A-Za-z])|(?<![A-Za-z\\])(?:infinity|inf|oo)(?![A-Za-z])", r"\\infty "),
    (r"(?<![A-Za-z\\])pi(?![A-Za-z])", r"\\pi "),
    (r"(?<!\s)\s*+\^\s*+(?:\{\s*+(?:\\circ|\\degree)\s*+\}|\\circ|\\degree)|\\(?:text)?degree(?![A-Za-z])", DEGREE),
    (r"(?<=\d)\s?[xX]\s?(?=10\s?\^)", r"\\times "),  # 8.7 x 10^8
)
# What stands before an argument: a bracket, a power, a number, or a letter of its own. 5 sec and 20 min have none.
_ARGUMENT = r"(?=\s?(?:[(\[{^_\\]|\d)|\s[A-Za-z](?![A-Za-z]))"
_FUNCTIONS = _rules(
    (r"(?<![A-Za-z\\])(sqrt|cbrt)\s?(\d++(?:\.\d++)?)", r"\\\1{\2}"),
    (r"(?<![A-Za-z\\])(sqrt|cbrt)(?![A-Za-z])", r"\\\1"),
    (r"\\cbrt(?![A-Za-z])", r"\\sqrt[3]"),
    (r"(?<![A-Za-z\\])a(?:rc)?(sin|cos|tan)(?![A-Za-z])" + _ARGUMENT, r"\\arc\1 "),
    (r"(?<![A-Za-z\\])log\s?(\d{1,3})(?=\s?[(\[])", r"\\log_{\1}"),
    (r"(?<![A-Za-z\\])((?:sin|cos|tan|cot)h?|sec|csc|ln|lg|log|exp)(?![A-Za-z])" + _ARGUMENT, r"\\\1 "),
    (r"(?<![A-Za-z\\])(sin|cos|tan|cot|ln|log)x(?![A-Za-z])", r"\\\1 x"),
    (r"(?<![A-Za-z\\])(gcd|max|min)(?=\s?\()", r"\\\1"),
    (r"(?<![A-Za-z\\{])lcm(?=\s?\()", r"\\operatorname{lcm}"),
    (r"(?<![A-Za-z\\])abs\s?\(([^()]*+)\)", r"|\1|"),
    (r"(?<![A-Za-z\\])floor\s?\(([^()]*+)\)", r"\\lfloor \1 \\rfloor "),
    (r"(?<![A-Za-z\\])ceil\s?\(([^()]*+)\)", r"\\lceil \1 \\rceil "),
    (
        r"(?<![A-Za-z\\])(alpha|beta|gamma|delta|epsilon|theta|lambda|sigma|omega|phi|psi|rho|mu|tau)(?![A-Za-z])",
        r"\\\1 ",
    ),
    (r"\\lg(?![A-Za-z])", r"\\log_{10}"),
)
_ANGLES_AND_TIMES = _rules(
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
    (
        r"(?:(?<=:\d\d)\s?|(?<=\d)(?:\s|\s?\\(?:text|mbox|mathrm)\s?\{)\s?)([AaPp])\.?\s?[Mm](?![A-Za-z])\.?\s?\}?",
        r" \\text{\1m}",
    ),
)
_PERCENT = _rules(
    (r"\\(?:text|mbox|mathrm)\s*\{\s*(?:per ?cent|percentage|pct\.?)\s*\}|\b(?:per ?cent|percentage|pct)\b", "%"),
    (r"(?<!\s)\s*+\\?%", r"\\%"),
)
_JOINT = "and|or"
_SET_WORDS = re.compile(r"\\text\s*+\{([^{}]*+)\}")
_EMPTY_WORDS = re.compile(r"\\text\s*+\{\s*+\}")
_JOINT_IN_WORDS = re.compile(rf"(?:,\s?)?(?<![A-Za-z\\-])({_JOINT})(?![A-Za-z-])(?:\s?,)?")
_HAN = r"[\u3400-\u9fff]"
_FONTS = _rules(
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
    # A number leaves the words that it stands in, with the sign of its currency; an ordinal its exponent.
    (r"\\text\s*+\{\s*+([-+]?(?:\\\$|[€£¥₹₽])?\s*+\d[\d.,/]*+)\s*+([^\W\d_][^{}\d]*+)?\}", r" \1 \\text{\2}"),
    (r"(?<=\d)\s*+\^\s*+\{\s*+(?:\\text\s*+\{\s*+)?(st|nd|rd|th)\s*+\}(?:\s*+\})?", r"\\text{\1}"),
)
_WORDS = _rules(
    # The joining words of other languages, where they stand between values.
    (rf"\\text\s*+\{{\s*+(?:或者?|或是|oder|ou|или)\s*+\}}|(?<!{_HAN})(?:或者?|或是)(?!{_HAN})", r" \\text{or} "),
    (
        rf"\\text\s*+\{{\s*+(?:[和与及且]|以及|并且|und|et|ed|и)\s*+\}}|(?<!{_HAN})(?:[和与及且]|以及|并且)(?!{_HAN})",
        r" \\text{and} ",
    ),
    # What joins the parts of a list; a comma before it joins nothing.
    (rf"(?:,\s?)?\\text\{{({_JOINT})\}}|(?:,\s?)?(?<![A-Za-z\\])({_JOINT})(?![A-Za-z])", r" \\text{\1\2} "),
    (r"(?<=\d)\s?(?:\\text\s?\{\s?to\s?\}|\bto\b)\s?(?=\d)", ":"),  # a ratio, 3 to 4
    (r"\\(?:land|wedge)(?![A-Za-z])", r" \\text{and} "),
    (r"\\(?:lor|vee)(?![A-Za-z])", r" \\text{or} "),
    # A letter, a number or a plain term set as text is itself.
    (r"\\text\s*\{\s*([A-Za-z]|\\[A-Za-z]+|[A-Za-z+\-*/=.,()^]*\d[A-Za-z\d+\-*/=.,()^]*)\s*\}", r" \1 "),
    (r"\\text\s*\{\s*\(([A-Za-z])\)\s*\}", r" (\1) "),
    (r"\\text\s*\{\s*(sin|cos|tan|cot|sec|csc|arcsin|arccos|arctan|log|ln|exp|gcd|max|min|det)\s*\}", r"\\\1 "),
    (r"\\text\s*\{\s*(lcm)\s*\}", r"\\operatorname{\1}"),
)
_NUMBERS = _rules(
    (r"(?<![\w.}])\.(?=\d)", "0."),  # .5
    (r"(?<=\d)\.(?!\d)", ""),  # 3. and the full stop behind an answer
    (r"^\+(?=[\d\\(.])", ""),
    (r"^-\s*-\s*(?=\d)", ""),
)
_LAST = _rules(
    (r"\s+", " "),
    (r"^(?:\\(?:approx|simeq|sim|therefore|Rightarrow|implies|to)(?![A-Za-z])|=)\s*", ""),
    (r"^\](.*),([^,]*)\[$", r"(\1,\2)"),  # ]0, 1[
    (r"^\](.*),([^,]*)\]$", r"(\1,\2]"),
    (r"^\[(.*),([^,]*)\[$", r"[\1,\2)"),
)


_CURRENCY = re.compile(r"\\\$|[£€¥₹₽¢]")  # what stands beside no number
_DOUBLED_BACKSLASH = re.compile(r"\\\\(?=[A-Za-z])")
_MIXED_NUMBER = re.compile(r"^([-+]?\d{1,20}) +(\d{1,20})/(\d{1,20})$")
# 1.234.567,89 and 1.234,56; 1'234'567; 1_000_000
_CONTINENTAL = re.compile(r"(?<![\d.,])(\d{1,3})((?:\.\d{3})++)(?:,(\d++)|(?<=\d{3}\.\d{3}))(?![\d.,])")
_MARKED_THOUSANDS = re.compile(r"(?<![\d.,'_])\d{1,3}(?:(?:'\d{3})++|(?:\\?_\d{3})++)(?![\d'_])")
_SPACED_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?![\d,])")
_THOUSANDS = re.compile(r"(?<![\d.,])(?:\d{1,3}(?:,\d{3})++|\d{1,2}(?:,\d{2}(?!\d))++,\d{3})(?![\d,])")


def normalise(text: str) -> str:
    """Return the answer in the one spelling that the rest of this room reads.

    Nothing that changes what is meant is touched; what is unclear is left for the parser to refuse.
    """
    text = spell_in_latex(text)
    if r"\begin" not in text:  # there, \\ ends a row; elsewhere it is a backslash escaped once too often
        text = _DOUBLED_BACKSLASH.sub(r"\\", text)
    text = _MARKED_THOUSANDS.sub(lambda number: re.sub(r"\D", "", number.group()), text)
    text = undress(_apply(_DELIMITERS, text))
    text = _apply(_SPACING, text)
    text = _apply(_FUNCTIONS, _apply(_SYNONYMS, text))
    text = as_fractions(brace_arguments(text))
    text = _apply(_ANGLES_AND_TIMES, text)
    text = drop_sentence(trim(_apply(_FONTS, text)))
    text = read_numerals(trim(_apply(_PERCENT, text)))
    text = _EMPTY_WORDS.sub("", _SET_WORDS.sub(_with_joints_outside, text))
    text = _CURRENCY.sub("", mark_units(text))
    text, unit = _detach_unit(trim(_apply(_WORDS, text)))
    text = _apply(_NUMBERS, text)
    text = _MIXED_NUMBER.sub(_mixed_number, text)
    text = _CONTINENTAL.sub(_continental, text)
    text = _SPACED_THOUSANDS.sub(lambda number: number.group().replace(" ", ""), text)
    if not (text.startswith(("(", "[", r"\{")) or (THOUSANDS.fullmatch(text) and not unit)):  # these may be lists
        text = _THOUSANDS.sub(lambda number: number.group().replace(",", ""), text)
    return trim(_apply(_LAST, text)) + unit


def _detach_unit(text: str) -> tuple[str, str]:
    """Return a text without the unit that ends it, and that unit."""
    start = text.rfind(r"\unit{")
    return (trim(text[:start]), text[start:]) if start >= 0 and text.find("}", start) == len(text) - 1 else (text, "")


def _apply(rules: tuple[Rule, ...], text: str) -> str:
    for pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    return text


def _with_joints_outside(words: re.Match[str]) -> str:
    r"""Return \text{a and b} as \text{a } \text{and} \text{ b}."""
    return r"\text{" + _JOINT_IN_WORDS.sub(r"} \\text{\1} \\text{", words[1]) + "}"


def _continental(match: re.Match[str]) -> str:
    """Return 1.234,56 with a decimal point and no others."""
    whole, thousands, decimals = match.groups()
    return whole + thousands.replace(".", "") + (f".{decimals}" if decimals else "")


def _mixed_number(match: re.Match[str]) -> str:
    r"""Return 1 1/2 as 1\frac{1}{2}; 11 6/6 is no mixed number, and is left for the parser to refuse."""
    whole, over, under = match.groups()
    return rf"{whole}\frac{{{over}}}{{{under}}}" if int(over) < int(under) else match.group()
