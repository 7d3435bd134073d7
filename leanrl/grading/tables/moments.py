"""How times of day and dates are written."""

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
TIME = (
    r"(?:\\text\s?\{\s?)?(?P<hour>\d{1,2})(?:\s?:(?P<minute>\d\d|-15)(?::(?P<second>\d\d))?)?\s?"
    r"(?:\\text\s?\{\s?(?P<half>[ap])\.?m\.?\s?\})?"
)
ISO_DATE = r"(?P<year>[12]\d{3})(?P<sign>[-/.])(?P<month>\d{1,2})(?P=sign)(?P<day>\d{1,2})"
SLASHED_DATE = r"(?P<one>\d{1,2})/(?P<other>\d{1,2})/(?P<year>[12]\d{3})"
_MONTH = rf"(?P<month>{'|'.join(f'{name[:3]}(?:{name[3:]})?' if name[3:] else name for name in MONTHS)}|sept)"
_DAY = r"(?P<day>\d{1,2})(?: ?(?:st|nd|rd|th))?"
_YEAR = r"(?: (?P<year>[12]\d{3}))?"
# Of the words alone, in lower case: Tuesday January 31st 2024, 31 of January.
DATES_IN_WORDS = (
    rf"(?:[a-z]{{3,6}}day )?{_MONTH} {_DAY}{_YEAR}",
    rf"(?:[a-z]{{3,6}}day )?{_DAY} (?:of )?{_MONTH}{_YEAR}",
)
