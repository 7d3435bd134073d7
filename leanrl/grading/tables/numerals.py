r"""Numbers in words, and words behind a number: what one is worth, which part of one, what it makes of the number."""

_BELOW_TWENTY = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
CARDINALS: dict[str, int] = {word: number for number, word in enumerate(_BELOW_TWENTY.split())} | {
    word: 10 * number for number, word in enumerate(_TENS.split(), start=2)
}
# What one of the word is worth.
MULTIPLES: dict[str, int] = {
    "hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "quadrillion": 10**15,
    "hundreds": 100, "thousands": 10**3, "millions": 10**6, "billions": 10**9, "trillions": 10**12,
    "dozen": 12, "dozens": 12, "score": 20, "gross": 144, "lakh": 10**5, "lakhs": 10**5,
    "crore": 10**7, "crores": 10**7, "mln": 10**6,
    "bn": 10**9, "万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8, "千": 1000,
    "百": 100, "十": 10, "만": 10**4, "억": 10**8,
}  # fmt: skip
PARTS: dict[str, int] = {
    "half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4, "fifth": 5,
    "fifths": 5, "sixth": 6, "sixths": 6, "seventh": 7, "sevenths": 7, "eighth": 8, "eighths": 8,
    "ninth": 9, "ninths": 9,
    "tenth": 10, "tenths": 10, "twelfth": 12, "twelfths": 12, "sixteenth": 16, "sixteenths": 16, "hundredth": 100,
    "hundredths": 100, "thousandth": 1000, "thousandths": 1000,
}  # fmt: skip
FORMS: dict[str, str] = {
    "squared": "{}^{{2}}",
    "cubed": "{}^{{3}}",
    "factorial": "{}!",
    "below zero": "-{}",
    "degrees below zero": r"-{}\unit{{°}}",
    "and a half": r"{}\frac{{1}}{{2}}",
    "and one half": r"{}\frac{{1}}{{2}}",
    "and a quarter": r"{}\frac{{1}}{{4}}",
    "and three quarters": r"{}\frac{{3}}{{4}}",
}

# A number in words where a value may begin, as \text or bare: two hundred and five, a dozen, two of two-thirds.
VALUES = CARDINALS | MULTIPLES
_ONE = rf"(?:{'|'.join(filter(str.isascii, VALUES))})(?![A-Za-z])"
_PART = rf"(?:{'|'.join(PARTS)})(?![A-Za-z])"
_SET = r"(?P<text>\\text\s*+\{)?+\s*+"
SPELLED = (
    rf"(?P<before>^-?|[=,]|\bout of\s)\s*+{_SET}(?:an?(?=\s(?:{_ONE}|{_PART}))|(?=half(?![A-Za-z]))"
    rf"|(?P<words>{_ONE}(?:(?:\s|-|(?<=red|and|ion)\sand\s){_ONE}){{0,11}}+))(?:-(?={_PART})|(?!-))"
)
_MINUS = "(?:negative|minus)"
MINUS = rf"^(?:\\text\s*+\{{\s*+{_MINUS}\s*+\}}|{_SET}{_MINUS}\s)\s*+(?=[\d\\]|{_ONE})"

# Such words behind digits.
_ALL = sorted([*MULTIPLES, *PARTS, *FORMS], key=len, reverse=True)
_WORD = f"(?:{'|'.join(word.replace(' ', r'[ ]') for word in _ALL)})(?![A-Za-z])(?![克米瓦卡])"
NUMERAL = (
    r"(?<![\w.,\\{^])(?P<number>\d{1,20}(?:,\d{3}){0,6}(?:\.\d{1,20})?)\s*+"
    rf"(?:\\text\s*+\{{\s*+(?P<set>{_WORD})(?P<rest>[^{{}}]*+)\}}|(?P<bare>{_WORD}))"
)

# Numbers in digits, and how the digits stand in groups.
_MAX_DIGITS = 400  # enough for every answer; longer ones are still compared, as text or by the parser
_DIGITS = rf"\d{{1,{_MAX_DIGITS}}}"
_FRACTION = rf"\\frac\{{(?P<over>-?{_DIGITS})\}}\{{(?P<under>{_DIGITS})\}}"
_SLASH = rf"(?P<slash_over>{_DIGITS})/(?P<slash_under>{_DIGITS})"
NUMBER = (
    rf"(?P<sign>-?)(?:(?P<decimal>{_DIGITS}\.{_DIGITS})"
    rf"|(?:(?P<whole>{_DIGITS})(?:\s|(?=\\)|$))?(?:{_FRACTION}|{_SLASH})?)"
)
DECIMAL_COMMA = rf"(?P<whole>-?{_DIGITS}),(?P<decimals>{_DIGITS})"
WHOLE_AND_PART = rf"(?P<whole>-?{_DIGITS})\s?\\text\{{and\}}\s?(?:{_FRACTION}|{_SLASH})"

_COMMAS = r"\d{1,3}(?:,\d{3})++|\d{1,2}(?:,\d{2}(?!\d))++,\d{3}"
WITH_COMMAS = rf"(?<![\d.,])(?:{_COMMAS})(?![\d,])"
ONLY_COMMAS = rf"-?(?:{_COMMAS})"
SERIES = (
    r"(?<![\w.,^_])(?P<given>-?\d{1,6}(?:,\s?-?\d{1,6}){0,5}+),\s?\\ldots\s?,\s?(?P<last>-?\d{1,6})(?![\w.]|,\s?\d)"
)
# What stands between these groups stands in no list. A comma behind points is that of a decimal.
GROUPED = (
    r"(?<![\d.,'_])\d{1,3}(?:(?:'\d{3})++|(?:\\?_\d{3})++)(?![\d'_])",
    r"(?<![\d.,])\d{1,3}(?:(?:\.\d{3})++,\d++|(?:\.\d{3}){2,}+)(?![\d.,])",
    r"(?<![\d.,_^])\d{1,3}(?: \d{3})++(?:,\d{1,2})?+(?![\d,])",
)
