"""How a normalised answer is taken apart, reader by reader."""

from collections.abc import Callable

from leanrl.grading.answers.nodes import Answer, Read
from leanrl.grading.answers.quantities import read_quantity
from leanrl.grading.answers.readers.chains import read_chain, read_ratio, read_relation
from leanrl.grading.answers.readers.choices import read_choice
from leanrl.grading.answers.readers.lists import read_list, read_parts, read_plus_minus
from leanrl.grading.answers.readers.moments import read_date, read_time
from leanrl.grading.answers.readers.numerals import read_based, read_modulo
from leanrl.grading.answers.readers.parameters import read_family
from leanrl.grading.answers.readers.sets import read_bracket, read_set
from leanrl.grading.answers.readers.systems import read_branches, read_system
from leanrl.grading.answers.readers.words import read_words
from leanrl.grading.text.brackets import trim

_MAX_DEPTH = 8  # deeper than any answer is nested; what lies deeper stays one expression

# In this order: what has a form of its own; then a comma, which binds less than an equals sign, that less than a colon;
# \pm is read inside all of them.
_READERS: tuple[Callable[[str, Read], Answer | None], ...] = (
    read_date,
    read_time,
    read_family,
    read_set,
    read_system,
    read_branches,
    read_modulo,
    read_parts,
    read_list,
    read_choice,
    read_chain,
    read_relation,
    read_quantity,
    read_based,
    read_words,
    read_ratio,
    read_bracket,
    read_plus_minus,
)


def read_structure(latex: str, depth: int = 0) -> Answer:
    """Return what a normalised answer is made of."""
    latex = trim(latex)
    if depth >= _MAX_DEPTH:
        return Answer(latex)

    def read(part: str) -> Answer:
        return read_structure(part, depth + 1)

    return next((answer for one in _READERS if (answer := one(latex, read)) is not None), Answer(latex))
