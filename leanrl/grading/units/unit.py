"""What a unit measures, and how a value in one unit reads in another."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from leanrl.grading.tables.nouns import ANY_NOUN

_COUNT = "#"  # before the noun of things that are counted, in the place of a dimension


@dataclass(frozen=True)
class Unit:
    """One reading of a unit: `value` of it is `scale pi^pi value + offset` in the base units of its dimensions."""

    dimensions: tuple[tuple[str, int], ...]  # (base dimension, power), sorted, no power 0
    scale: Fraction = Fraction(1)
    pi: int = 0
    offset: Fraction = Fraction(0)
    qualifiers: frozenset[str] = frozenset()  # which of the things counted: red, small

    def __mul__(self, other: "Unit") -> "Unit":
        """Return the product; an offset has no meaning in one."""
        dimensions = _collected((*self.dimensions, *other.dimensions))
        qualifiers = self.qualifiers | other.qualifiers
        return Unit(dimensions, self.scale * other.scale, self.pi + other.pi, qualifiers=qualifiers)

    def __pow__(self, power: int) -> "Unit":
        if power == 1:
            return self
        dimensions = _collected((dimension, one * power) for dimension, one in self.dimensions)
        return Unit(dimensions, self.scale**power, self.pi * power, qualifiers=self.qualifiers)

    @property
    def physical(self) -> dict[str, int]:
        """Return the powers of the dimensions that are no counts."""
        return {dimension: power for dimension, power in self.dimensions if not dimension.startswith(_COUNT)}

    @property
    def nouns(self) -> dict[str, int]:
        """Return the names of things that are counted with their powers; not those behind a "per"."""
        return {name[1:]: power for name, power in self.dimensions if name.startswith(_COUNT) and power > 0}


@dataclass(frozen=True)
class Conversion:
    """How a value becomes one in another unit: `scale pi^pi value + offset`."""

    scale: Fraction
    pi: int
    offset: Fraction

    @property
    def is_identity(self) -> bool:
        return self.scale == 1 and not self.pi and not self.offset

    def apply(self, latex: str) -> str:
        """Return the LaTeX text of the converted value."""
        factor = rf"\frac{{{self.scale.numerator}}}{{{self.scale.denominator}}}"
        power = rf"\cdot \pi^{{{self.pi}}}" if self.pi else ""
        shift = rf"+\frac{{{self.offset.numerator}}}{{{self.offset.denominator}}}" if self.offset else ""
        return rf"{factor}{power}\cdot ({latex}){shift}"


def count_of(noun: str, qualifiers: frozenset[str] = frozenset()) -> Unit:
    """Return the unit of things that are counted."""
    return Unit(((_COUNT + noun, 1),), qualifiers=qualifiers)


def convert(source: tuple[Unit, ...], target: tuple[Unit, ...]) -> Conversion | None:
    """Return how values in one unit become values in another, None if they measure different things.

    Each unit is given by all its readings: a pound is a mass or money. Readings that need no conversion come first.
    """
    found = [conversion for one in source for other in target if (conversion := _convert(one, other)) is not None]
    return next((conversion for conversion in found if conversion.is_identity), found[0] if found else None)


def _convert(source: Unit, target: Unit) -> Conversion | None:
    if _is_unnamed_length(source, target) or _is_unnamed_length(target, source):
        return Conversion(Fraction(1), 0, Fraction(0))
    if source.physical != target.physical or not _count_alike(source, target):
        return None
    scale = source.scale / target.scale
    return Conversion(scale, source.pi - target.pi, (source.offset - target.offset) / target.scale)


def _is_unnamed_length(one: Unit, other: Unit) -> bool:
    """Return whether one is a unit, square unit or cubic unit of a figure, and the other measures just that."""
    return (
        len(one.dimensions) == 1
        and one.dimensions[0][0] == _COUNT + "unit"
        and other.physical == {"length": one.dimensions[0][1]}
    )


def _count_alike(one: Unit, other: Unit) -> bool:
    """Return whether two units count the same things; a noun or a qualifier may be left out on either side."""
    if one.nouns and other.nouns and one.nouns != other.nouns:
        stands_for_any = set(one.nouns) <= ANY_NOUN or set(other.nouns) <= ANY_NOUN
        if not stands_for_any or sum(one.nouns.values()) != sum(other.nouns.values()):
            return False
    return one.qualifiers <= other.qualifiers or other.qualifiers <= one.qualifiers


def _collected(powers: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """Return each dimension once, with the sum of its powers."""
    sums: Counter[str] = Counter()
    for dimension, power in powers:
        sums[dimension] += power
    return tuple(sorted((dimension, power) for dimension, power in sums.items() if power))
