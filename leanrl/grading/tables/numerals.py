r"""Numbers in words, and words behind a number: what one is worth, which part of one, what it makes of the number."""

_BELOW_TWENTY = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ELSEWHERE: dict[int, str] = {
    1: "eins uno 一", 2: "zwei deux dos два 二 两", 3: "drei trois tres три 三", 4: "vier quatre cuatro четыре 四",
    5: "fünf cinq cinco пять 五", 6: "sechs seis шесть 六", 7: "sieben siete семь 七", 8: "acht huit ocho восемь 八",
    9: "neun neuf nueve девять 九", 10: "zehn diez dix десять", 11: "elf onze", 12: "zwölf doce douze", 0: "零",
    13: "dreizehn trece treize", 14: "vierzehn catorce quatorze", 15: "fünfzehn quince quinze", 16: "sechzehn seize",
    17: "siebzehn diecisiete", 18: "achtzehn dieciocho", 19: "neunzehn diecinueve", 20: "zwanzig veinte vingt двадцать",
    30: "dreißig treinta trente", 40: "vierzig cuarenta quarante", 50: "fünfzig cincuenta cinquante",
    60: "sechzig sesenta soixante", 70: "siebzig setenta", 80: "achtzig ochenta", 90: "neunzig noventa",
}  # fmt: skip
CARDINALS: dict[str, int] = (
    {word: number for number, word in enumerate(_BELOW_TWENTY.split())}
    | {word: 10 * number for number, word in enumerate(_TENS.split(), start=2)}
    | {word: number for number, words in _ELSEWHERE.items() for word in words.split()}
)
# What one of the word is worth.
MULTIPLES: dict[str, int] = {
    "hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "quadrillion": 10**15,
    "hundreds": 100, "thousands": 10**3, "millions": 10**6, "billions": 10**9, "trillions": 10**12,
    "dozen": 12, "dozens": 12, "score": 20, "gross": 144, "lakh": 10**5, "lakhs": 10**5,
    "crore": 10**7, "crores": 10**7, "mln": 10**6,
    "bn": 10**9, "万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8, "千": 1000,
    "百": 100, "十": 10, "만": 10**4, "억": 10**8, "tausend": 1000, "hundert": 100, "cien": 100,
    "millionen": 10**6, "milliarden": 10**9,
    "millones": 10**6, "millón": 10**6, "milliards": 10**9, "тысяч": 1000, "тысячи": 1000, "миллион": 10**6,
    "миллиона": 10**6, "миллионов": 10**6,
}  # fmt: skip
PARTS: dict[str, int] = {
    "half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4, "fifth": 5,
    "fifths": 5, "sixth": 6, "sixths": 6, "seventh": 7, "sevenths": 7, "eighth": 8, "eighths": 8,
    "ninth": 9, "ninths": 9,
    "tenth": 10, "tenths": 10, "twelfth": 12, "twelfths": 12, "sixteenth": 16, "sixteenths": 16, "hundredth": 100,
    "hundredths": 100, "thousandth": 1000, "thousandths": 1000,
    "drittel": 3, "viertel": 4, "fünftel": 5, "tercio": 3, "tercios": 3, "cuarto": 4, "cuartos": 4,
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
_SPACED = sorted((word for word in VALUES if word < "\u3000"), key=len, reverse=True)
_BEHIND_HAN = "[个人元岁天年次种名只本张条块米]|小时|分钟|千克|公里|厘米|平方|学生"
_HAN = "[零一二两三四五六七八九十百千万亿]"
_ONE = rf"(?:{'|'.join(_SPACED)})(?!\w)"
_PART = rf"(?:{'|'.join(PARTS)})(?![A-Za-z])"
_SET = r"(?P<text>\\text\s*+\{)?+\s*+"
# Digits and the same number in words, one of them in brackets: 5 (five).
_OPENED = r"\s*+(?:\}|\\text\s*+\{)?+\s*+"
_ANY_WORDS = r"[^\W\d_](?:[^\W\d_]|[ -]){1,80}+"
TWICE = (
    rf"(?<![\w.,^}}-])(?:(?P<digits>\d{{1,12}})(?P<before_words>{_OPENED})\(\s*+(?P<words>{_ANY_WORDS})"
    rf"|(?P<first_words>{_ANY_WORDS})(?P<before_digits>{_OPENED})\(\s*+(?P<last_digits>\d{{1,12}}))\s*+\)"
)
WORD_OF_A_NUMBER = rf"{_HAN}|[^\W\d_]+"
SPELLED = (
    r"(?P<before>^-?|[=,]|\bout of\s|分之"
    r"|\b(?:hours?|hrs?|minutes?|days?|weeks?|months?|years?|feet|foot|dollars?|euros?|pounds?|degrees?)\sand\s)"
    rf"\s*+{_SET}"
    rf"(?:(?:an?|eine?|une?)(?=\s(?:{_ONE}|{_PART}|hour|day|week|month|year|minute|fortnight|and a))"
    r"|(?=(?:half|quarter)(?![A-Za-z]))"
    rf"|(?P<words>{_ONE}(?:(?:\s|-|(?<=red|and|ion)\sand\s){_ONE}){{0,11}}+|{_HAN}{{1,12}}+(?=分之|\\?%|\s?\}}?$|{_BEHIND_HAN})))"
    rf"(?:-(?={_PART})|(?!-|\s*+\(\d))"
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
DECIMAL_COMMA = rf"(?P<whole>-?{_DIGITS}),(?P<decimals>{_DIGITS})(?P<unit>(?:\s?\\unit\{{[^{{}}]{{1,80}}\}}\s?)?)"
WHOLE_AND_PART = rf"(?P<whole>-?{_DIGITS})\s?\\text\{{and\}}\s?(?:{_FRACTION}|{_SLASH})"

_COMMAS = r"\d{1,3}(?:,\d{3})++|\d{1,2}(?:,\d{2}(?!\d))++,\d{3}"
WITH_COMMAS = rf"(?<![\d.,])(?:{_COMMAS})(?![\d,])"
ONLY_COMMAS = rf"-?(?:{_COMMAS})"
SERIES = (
    r"(?<![\w.,^_])(?P<given>-?\d{1,6}(?:,\s?-?\d{1,6}){0,5}+),\s?\\ldots\s?,\s?(?P<last>-?\d{1,6})(?![\w.]|,\s?\d)"
)
# Of choices, or a point.
COUNTS = r"(?<![A-Za-z\\])(?P<kind>[CP])\s?\(\s?(?P<total>\d{1,3})\s?,\s?(?P<chosen>\d{1,3})\s?\)"
# What stands between these groups stands in no list. A comma behind points is that of a decimal.
GROUPED = (
    r"(?<![\d.,'_])\d{1,3}(?:(?:'\d{3})++|(?:\\?_\d{3})++)(?![\d'_])",
    r"(?<![\d.,])\d{1,3}(?:(?:\.\d{3})++,\d++|(?:\.\d{3}){2,}+)(?![\d.,])",
    r"(?<![\d.,_^])\d{1,3}(?: \d{3})++(?:,\d{1,2})?+(?![\d,])",
)
