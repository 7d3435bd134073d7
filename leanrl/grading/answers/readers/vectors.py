r"""Vectors as sums of multiples of i, j and k."""

import re

from leanrl.grading.answers.nodes import Answer
from leanrl.grading.answers.readers.chains import sides_of
from leanrl.grading.text.characters import squeeze

_SIGN = re.compile(r"[-+]")
_MULTIPLE = re.compile(r"(?P<factor>.*?)(?:\\cdot)?(?:\\vec\{(?P<marked>[ijk])\}|(?P<plain>[ijk]))", re.DOTALL)


def read_components(latex: str, num_axes: int) -> tuple[Answer, ...] | None:
    """Return the coordinates of a sum of multiples of i, j and k; None for any other text.

    A plain i alone is the imaginary unit.
    """
    found, is_marked = dict[str, Answer](), False
    terms, signs = sides_of(squeeze(latex), _SIGN)
    start = 0 if terms[0] else 1  # a sign stands before all of it
    for sign, term in zip(("+", *signs)[start:], terms[start:], strict=True):
        multiple = _MULTIPLE.fullmatch(term)
        name = (multiple["marked"] or multiple["plain"]) if multiple else ""
        if multiple is None or name in found or name not in "ijk"[:num_axes]:
            return None
        is_marked = is_marked or multiple["marked"] is not None
        found[name] = Answer(sign.strip("+") + (multiple["factor"] or "1"))
    if not is_marked and found.keys() <= {"i"}:
        return None
    return tuple(found.get(name, Answer("0")) for name in "ijk"[:num_axes])
