"""Rows by the fraction of a solver's completions that are right."""

from collections.abc import Sequence

from leanrl.config.sections.field_types import Fraction, PositiveInt
from leanrl.config.sections.section import Section, key
from leanrl.curation.stages.stage import Asks, CuratedRow, Finding, Judged, Reply, Tools, dropped
from leanrl.errors import Problem

_RATE_COLUMN = "pass_rate"


class PassRate(Section):
    model: str = key("", "name of the solver in the recipe's models")
    num_samples: PositiveInt = key(1, "completions of each problem; the paper does not say how many")
    min_rate: Fraction = key(0.0, "least fraction of right completions that stays")
    max_rate: Fraction = key(0.0, "largest fraction of right completions that stays; 0 keeps what is never solved")


def contradictions(parameters: PassRate) -> Sequence[Problem]:
    """Return what lets no row stay, or every row."""
    low, high = parameters.min_rate, parameters.max_rate
    if low > high:
        return [Problem("min_rate, max_rate", f"min_rate {low:g} is above max_rate {high:g}: no row can stay")]
    if (low, high) == (0.0, 1.0):
        return [Problem("min_rate, max_rate", "0 to 1 keeps every row, and asks a model about each")]
    possible = [right / parameters.num_samples for right in range(parameters.num_samples + 1)]
    if not any(low <= rate <= high for rate in possible):
        rates = ", ".join(f"{rate:g}" for rate in possible[:5])
        what = f"{parameters.num_samples} samples give the rates {rates}, none of them in {low:g} to {high:g}"
        return [Problem("num_samples, min_rate, max_rate", what, "more samples, or a wider band")]
    return []


def judge_pass_rates(parameters: PassRate, rows: Sequence[CuratedRow], tools: Tools) -> Judged:
    """Drop rows that the solver solves too often or too seldom; rows that stay get the column `pass_rate`."""
    answered = tools.ask(parameters.model, rows, num_samples=parameters.num_samples, asks=Asks())
    findings = [_finding(row, replies, parameters) for row, replies in zip(rows, answered.replies, strict=True)]
    return Judged(findings, answered.model, answered.sampling)


def _finding(row: CuratedRow, replies: tuple[Reply, ...], parameters: PassRate) -> Finding:
    num_right = sum(reply.verdict == "correct" for reply in replies)
    rate = num_right / len(replies)
    reason = f"{num_right} of {len(replies)} completions are right"
    if parameters.min_rate <= rate <= parameters.max_rate:
        return Finding(row.with_column(_RATE_COLUMN, rate), reason, replies)
    return dropped(reason, replies=replies)
