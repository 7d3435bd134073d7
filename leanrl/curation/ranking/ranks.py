"""The order of problems by their visits in a run's ledger."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pvariance
from typing import Literal

from leanrl.seams.decided import decided_in_a_row
from leanrl.types import Visit

Order = Literal["varied", "signal", "easy", "hard"]


@dataclass(frozen=True)
class Seen:
    """What a run saw of one problem.

    `pass_rate` is the fraction of right completions over all visits, `variance` that of the visits' pass rates
    over time (0 for a single visit), `signal` the mean over visits of p (1 - p), which is 0 for a group that teaches
    nothing. `in_a_row` counts the latest visits without signal, below 0 where all were wrong; `greso` reads it.
    """

    num_visits: int
    num_completions: int
    pass_rate: float
    variance: float
    signal: float
    in_a_row: int


def seen_of(visits: Sequence[Visit]) -> Seen | None:
    """Return what the visits of a problem show; None where it was never asked."""
    return seen_in([visit.correct_G for visit in visits])


def seen_in(groups: Sequence[Sequence[bool]]) -> Seen | None:
    """Return the same of groups that say which completions are right."""
    if not groups:
        return None
    rates = [fmean(correct_G) for correct_G in groups]
    num_completions = sum(map(len, groups))
    return Seen(
        num_visits=len(groups),
        num_completions=num_completions,
        pass_rate=sum(map(sum, groups)) / num_completions,
        variance=pvariance(rates),
        signal=fmean(rate * (1 - rate) for rate in rates),
        in_a_row=decided_in_a_row(groups),
    )


ORDERS: Mapping[Order, Callable[[Seen], tuple[float, ...]]] = {
    # Problems whose pass rate moves most while a model trains (arXiv 2504.20571 chooses its single example so).
    "varied": lambda seen: (-seen.variance, -seen.signal),
    "signal": lambda seen: (-seen.signal, -seen.variance),
    "easy": lambda seen: (-seen.pass_rate, -seen.signal),
    "hard": lambda seen: (seen.pass_rate, -seen.signal),
}


def ranked(seen: Sequence[Seen | None], order: Order) -> list[int]:
    """Return the numbers of problems in an order; equal ones keep theirs, and those never asked come last."""
    key = ORDERS[order]
    asked = [number for number, each in enumerate(seen) if each is not None]
    never = [number for number, each in enumerate(seen) if each is None]

    def place(number: int) -> tuple[float, ...]:
        found = seen[number]
        assert found is not None, "only problems that were asked have a place"
        return key(found)

    return [*sorted(asked, key=place), *never]
