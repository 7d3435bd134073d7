"""The families that leanrl is proved on: one row each, with every feature of the family that changes the arithmetic on.

A row is a real config class of transformers at a tiny size. Variants that differ in one feature, such as a rotary
scheme, are rows of their own.
"""

from tests.families.family import Family
from tests.families.rows.dense import DENSE
from tests.families.rows.experts import EXPERTS
from tests.families.rows.gemma import GEMMA
from tests.families.rows.hybrid import HYBRID

FAMILIES: tuple[Family, ...] = (*DENSE, *GEMMA, *HYBRID, *EXPERTS)


def named(name: str) -> Family:
    """Return the row of this name."""
    return next(family for family in FAMILIES if family.name == name)
