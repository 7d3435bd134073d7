"""Values of a row as plain Python: what numpy, pandas and pyarrow hold in their place is unwrapped."""

from typing import Any

# Of pandas: pandas.NA and pandas.NaT. Both refuse to be compared.
_MISSING = ("NAType", "NaTType")
HALF_A_PAIR = "half a surrogate pair in the text, which no tokenizer can read"


def plain(value: Any) -> Any:
    """Return a value as Python has it: arrays as lists, scalars as numbers, missing values as None.

    Libraries are told by what their values offer, so that none of them is imported.
    """
    if type(value) in (str, int, float, bool, type(None)):
        return value
    if type(value).__name__ in _MISSING:
        return None
    if isinstance(value, dict):
        return value
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    for unwrap in ("as_py", "tolist", "item"):  # of pyarrow; of arrays and series; of scalars of numpy and torch
        if callable(method := getattr(value, unwrap, None)):
            return plain(method())
    return value


def is_unicode(text: str) -> bool:
    """Return whether a text holds no half of a surrogate pair, which JSON can spell and UTF-8 cannot write."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
