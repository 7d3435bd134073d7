r"""Vectors as sums of multiples of i, j and k."""

import re

from leanrl.grading.answers.nodes import Answer
from leanrl.grading.text.brackets import separators_outside
from leanrl.grading.text.characters import squeeze

_SIGN = re.compile(r"[-+]")
_MULTIPLE = re.compile(r"(?P<factor>.*?)(?:\\cdot)?(?:\\vec\{(?P<marked>[ijk])\}|(?P<plain>[ijk]))", re.DOTALL)


def read_components(latex: str, num_axes: int) -> tuple[Answer, ...] | None:
    """Return the coordinates of a sum of multiples of i, j and k; None for any other text.

    A plain i alone is the imaginary unit.
    """
    text, found, is_marked = squeeze(latex), dict[str, Answer](), False
    signs = list(separators_outside(text, _SIGN))
    starts = [(0, ""), *((sign.end(), sign.group().strip("+")) for sign in signs)]
    for (start, sign), end in zip(starts, [*(sign.start() for sign in signs), len(text)], strict=True):
        if start == end == 0:
            continue  # a sign stands before all of it
        multiple = _MULTIPLE.fullmatch(text, start, end)
        name = (multiple["marked"] or multiple["plain"]) if multiple else ""
        if multiple is None or name in found or name not in "ijk"[:num_axes]:
            return None
        is_marked = is_marked or multiple["marked"] is not None
        found[name] = Answer(sign + (multiple["factor"] or "1"))
    if not is_marked and found.keys() <= {"i"}:
        return None
    return tuple(found.get(name, Answer("0")) for name in "ijk"[:num_axes])
