"""Leaks: training problems that an evaluation problem stands in, in whole or in part, and what others would count."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from leanrl.curation.decontamination.boilerplate import Boilerplate
from leanrl.curation.decontamination.index import (
    LONG,
    MIDDLE,
    SHORT,
    EvaluationIndex,
    EvaluationProblem,
    Gram,
    Grams,
    SharedGrams,
)

MIN_CONTAINMENT = 0.5


@dataclass(frozen=True)
class Leak:
    """One training problem beside the evaluation problem that it repeats.

    `containment` is the fraction of the evaluation problem's runs of 5 words that the training problem has, `num_long`
    counts shared runs of 13 words; forms of speech are left out of both. `same_answer` is None without a gold answer.
    """

    problem: EvaluationProblem
    containment: float
    num_long: int
    same_answer: bool | None

    @property
    def reason(self) -> str:
        """Why the training problem is dropped, in words."""
        name = f"{self.problem.set_name} {self.problem.id}"
        long = f" and shares {self.num_long} runs of 13 words" if self.num_long else ""
        return f"holds {self.containment:.0%} of {name}{long}"


@dataclass
class Overlap:
    """How much of one evaluation set training problems repeat, by several rules; ids of evaluation problems."""

    any_8_gram: set[str] = field(default_factory=set)
    any_13_gram: set[str] = field(default_factory=set)
    contained: set[str] = field(default_factory=set)
    leaked: set[str] = field(default_factory=set)
    leaked_with_answer: set[str] = field(default_factory=set)


class LeakFinder:
    """Finds leaks problem by problem, and counts what all rules found in `overlaps`, by evaluation set."""

    def __init__(
        self, index: EvaluationIndex, boilerplate: Boilerplate, *, min_containment: float = MIN_CONTAINMENT
    ) -> None:
        self._index = index
        self._boilerplate = boilerplate
        self._min_containment = min_containment
        self._overlaps = {problem.set_name: Overlap() for problem in index.problems}
        self._counted: dict[int, set[Gram]] = {LONG: set(), MIDDLE: set()}
        self._of_forms = index.within(boilerplate.short)

    @property
    def overlaps(self) -> Mapping[str, Overlap]:
        """What was found so far."""
        return self._overlaps

    def leaks(self, text: str, gold: str | None) -> list[Leak]:
        """Return the leaks of one training problem, the fullest first; none for a problem that may stay."""
        grams = self._index.grams(text)
        self._count_runs(grams)
        found = [self._judged(shared, gold) for shared in self._index.shared(grams, self._may_leak(grams[SHORT]))]
        leaks = [leak for leak in found if leak.containment >= self._min_containment or leak.num_long]
        return sorted(leaks, key=lambda leak: (-leak.containment, -leak.num_long, leak.problem.id))

    def _may_leak(self, short: Set[Gram]) -> Set[int]:
        """Return the places of the evaluation problems of which a training problem has more than forms of speech.

        Forms of speech are contained in nothing, and a run of 13 words that consists of them is one; only a problem
        that has nothing else is held against them.
        """
        if self._min_containment <= 0:
            return self._index.owners(SHORT, short)
        more = self._index.owners(SHORT, short - self._boilerplate.short)
        return more | (self._of_forms & self._index.owners(SHORT, short)) if self._of_forms else more

    def _count_runs(self, grams: Grams) -> None:
        """Count the evaluation problems of runs of 8 and of 13 words, once for each run."""
        for size, counted in self._counted.items():
            new = grams[size] - counted
            counted |= new
            for number in self._index.owners(size, new):
                problem = self._index.problems[number]
                overlap = self._overlaps[problem.set_name]
                (overlap.any_13_gram if size == LONG else overlap.any_8_gram).add(problem.id)

    def _judged(self, shared: SharedGrams, gold: str | None) -> Leak:
        expected = shared.problem.gold
        same = None if gold is None or expected is None else gold.strip() == expected.strip()
        num_long = sum(not self._boilerplate.has(gram) for gram in shared.long)
        leak = Leak(shared.problem, self._boilerplate.containment(shared), num_long, same)
        self._count(shared, leak)
        return leak

    def _count(self, shared: SharedGrams, leak: Leak) -> None:
        overlap, name = self._overlaps[shared.problem.set_name], shared.problem.id
        is_contained = leak.containment >= self._min_containment
        for met, ids in (
            (is_contained, overlap.contained),
            (is_contained or leak.num_long > 0, overlap.leaked),
            ((is_contained or leak.num_long > 0) and leak.same_answer is True, overlap.leaked_with_answer),
        ):
            if met:
                ids.add(name)
