"""Evaluations against a base: refused where they asked differently, paired or by z test where they did not."""

from collections.abc import Sequence
from dataclasses import dataclass

from leanrl.errors import ConfigError, Problem
from leanrl.eval.benchmarks.named import benchmark_names, find_benchmark
from leanrl.eval.compare.agreement import find_disagreements, find_notes
from leanrl.eval.compare.comparison import Comparison, compare_all
from leanrl.eval.compare.difference import Difference, paired_differences
from leanrl.eval.compare.published import Summary, summary_of_counts, summary_of_published, z_differences
from leanrl.eval.compare.reference import ReferenceRow
from leanrl.eval.compare.sides import Evaluated, Side


@dataclass(frozen=True)
class Contrast:
    """One evaluation against the base; `disagreements` were forced, `notes` are told."""

    base: Side
    other: Side
    comparison: Comparison
    disagreements: Sequence[str]
    notes: Sequence[str]
    left_out: Sequence[str]

    @property
    def is_published(self) -> bool:
        """Whether a side is published, so that problems are not paired."""
        return isinstance(self.base, ReferenceRow) or isinstance(self.other, ReferenceRow)


def contrasts_of(base: Side, others: Sequence[Side], *, force: bool, seed: int = 0) -> list[Contrast]:
    """Compare each side with the base; the tests of all of them are corrected together.

    Raises:
        ConfigError: where sides share no benchmark; without `force` also where they asked differently, with all that
            differs.
    """
    disagreements = [_disagreements(base, other) for other in others]
    if any(disagreements) and not force:
        raise ConfigError(
            "the evaluations did not ask the same in the same way, so a difference may come from that.",
            hint="evaluate both alike, or add `--force` to compare them all the same, marked",
            problems=[
                Problem(other.label, line) for other, lines in zip(others, disagreements, strict=True) for line in lines
            ],
        )
    differences = [_differences(base, other, seed=seed) for other in others]
    return [
        Contrast(base, other, comparison, lines, find_notes(base, other), _left_out(base, other, comparison))
        for other, comparison, lines in zip(others, compare_all(differences), disagreements, strict=True)
    ]


def _disagreements(base: Side, other: Side) -> list[str]:
    shared = [name for name in _benchmarks(base) if name in _benchmarks(other)]
    if not shared:
        raise ConfigError(
            f"{base.label} and {other.label} share no benchmark: {', '.join(_benchmarks(base))} and "
            f"{', '.join(_benchmarks(other))}.",
            hint="evaluate both on the same benchmarks",
        )
    return [*find_disagreements(base, other, shared), *_of_sizes(base, other, shared)]


def _of_sizes(base: Side, other: Side, shared: Sequence[str]) -> list[str]:
    """Return where a published score is of other problems than ours: of more or fewer of them."""
    if isinstance(base, Evaluated) == isinstance(other, Evaluated):
        return []
    ours = base if isinstance(base, Evaluated) else other
    assert isinstance(ours, Evaluated)
    sizes = {name: (len(ours.per_problem[name]), _num_problems(name)) for name in shared}
    return [
        f"{name}: {one} problems, and the published score is of {two}"
        for name, (one, two) in sizes.items()
        if one != two
    ]


def _differences(base: Side, other: Side, *, seed: int) -> list[Difference]:
    if isinstance(base, Evaluated) and isinstance(other, Evaluated):
        found = paired_differences(base.per_problem, other.per_problem, seed=seed)
        if not found:
            raise ConfigError(
                f"{base.label} and {other.label} share no problem of any benchmark.",
                hint="evaluate both on the same problems",
            )
        return found
    sizes = {name: _num_problems(name) for name in _benchmarks(base) if name in _benchmarks(other)}
    return z_differences(_summaries(base, sizes), _summaries(other, sizes), num_problems=sizes)


def _summaries(side: Side, sizes: dict[str, int]) -> dict[str, Summary]:
    if isinstance(side, ReferenceRow):
        return {name: summary_of_published(side.scores[name], num_problems=size) for name, size in sizes.items()}
    return {name: summary_of_counts(side.per_problem[name]) for name in sizes}


def _benchmarks(side: Side) -> list[str]:
    return list(side.scores if isinstance(side, ReferenceRow) else side.per_problem)


def _num_problems(name: str) -> int:
    """Return how many problems a benchmark of leanrl's has; published scores are of those alone."""
    assert name in benchmark_names(), f"a published row names {name}"
    size = find_benchmark(name).benchmark.num_problems
    assert size is not None, f"{name} has no num_problems"
    return size


def _left_out(base: Side, other: Side, comparison: Comparison) -> list[str]:
    """Return the benchmarks that only one side has."""
    compared = {finding.difference.benchmark for finding in comparison.findings}
    return [name for name in dict.fromkeys([*_benchmarks(base), *_benchmarks(other)]) if name not in compared]
