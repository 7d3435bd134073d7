"""Values of a row as plain Python: what numpy, pandas and pyarrow hold in their place is unwrapped."""

from typing import Any

# Of pandas: pandas.NA and pandas.NaT. Both refuse to be compared.
_MISSING = ("NAType", "NaTType")


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
