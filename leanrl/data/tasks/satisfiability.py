"""Satisfiability: an assignment of truth values that makes a formula true, in SATURN's measure of difficulty."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random

from leanrl.data.tasks.task import MadeTask

Clause = tuple[tuple[int, bool], ...]  # variable from 0, and whether it stands without a `not`


@dataclass(frozen=True)
class FormulaSize:
    """Literals of a clause (n), variables (k) and clauses (l).

    Source: SATURN, arXiv 2505.16368, whose curriculum of a 1.5B model begins with (3, 5, 5).
    """

    num_literals: int
    num_variables: int
    num_clauses: int

    @property
    def difficulty(self) -> float:
        """SATURN's estimate: log2 k + 2 log2 l - n + k / n."""
        n, k = self.num_literals, self.num_variables
        return math.log2(k) + 2 * math.log2(self.num_clauses) - n + k / n


# Ours beyond the first; each is harder than the one before.
SIZES = (
    FormulaSize(3, 5, 5),
    FormulaSize(3, 5, 8),
    FormulaSize(3, 6, 10),
    FormulaSize(3, 6, 14),
    FormulaSize(3, 7, 18),
    FormulaSize(3, 8, 24),
)


def make_formula(level: int, draw: Random) -> MadeTask:
    """Return a formula that a drawn assignment satisfies; every assignment that does is an answer."""
    size = SIZES[level - 1]
    planted = [draw.random() < 0.5 for _ in range(size.num_variables)]
    clauses: list[Clause] = []
    while len(clauses) < size.num_clauses:
        variables = sorted(draw.sample(range(size.num_variables), size.num_literals))
        clause = tuple((variable, draw.random() < 0.5) for variable in variables)
        if is_true([clause], planted) and clause not in clauses:
            clauses.append(clause)
    names = ", ".join(f"x{number}" for number in range(1, size.num_variables + 1))
    text = " and ".join(f"({' or '.join(map(_literal, clause))})" for clause in clauses)
    problem = (
        f"Find values of {names}, each 0 (false) or 1 (true), that make this formula true: {text}. "
        f"Answer with the {size.num_variables} digits in this order, without spaces."
    )
    return MadeTask(problem, tuple(solutions(clauses, size.num_variables)))


def is_true(clauses: Sequence[Clause], values: Sequence[bool]) -> bool:
    """Return whether values of all variables make every clause true."""
    return all(any(values[variable] == is_plain for variable, is_plain in clause) for clause in clauses)


def solutions(clauses: Sequence[Clause], num_variables: int) -> Iterator[str]:
    """Yield every assignment that makes all clauses true, as digits 0 and 1."""
    for values in product((False, True), repeat=num_variables):
        if is_true(clauses, values):
            yield "".join(str(int(value)) for value in values)


def _literal(literal: tuple[int, bool]) -> str:
    variable, is_plain = literal
    return f"{'' if is_plain else 'not '}x{variable + 1}"
