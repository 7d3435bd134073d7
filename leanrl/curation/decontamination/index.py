"""EvaluationIndex: the n-grams of all evaluation problems, against which training problems are held."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import groupby

from leanrl.curation.decontamination.words import ngrams, words_of

LONG, MIDDLE, SHORT = 13, 8, 5  # 13 and 8 are what other tools count, 5 is for containment
SIZES = (LONG, MIDDLE, SHORT)
Gram = tuple[str, ...]
Grams = Mapping[int, set[Gram]]  # by size


@dataclass(frozen=True)
class EvaluationProblem:
    """A problem that must not be trained on; `gold` is None where the set has no answers."""

    set_name: str
    id: str
    text: str
    gold: str | None = None


@dataclass(frozen=True)
class SharedGrams:
    """The n-grams that one training problem shares with one evaluation problem.

    `long` and `short` are those of 13 and 5 words; `all_short` are all of 5 words that the evaluation problem has.
    """

    problem: EvaluationProblem
    long: Sequence[Gram]
    short: Sequence[Gram]
    all_short: Set[Gram]


@dataclass
class EvaluationIndex:
    """N-grams of evaluation problems; its size does not depend on how much training data is held against it."""

    problems: Sequence[EvaluationProblem]
    _owners: dict[int, dict[Gram, list[int]]] = field(init=False)
    _short: list[frozenset[Gram]] = field(init=False)
    _vocabulary: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._owners = {size: {} for size in SIZES}
        self._short = []
        vocabulary: set[str] = set()
        for number, problem in enumerate(self.problems):
            words = words_of(problem.text)
            vocabulary.update(words)
            for size in SIZES:
                for gram in set(ngrams(words, size)):
                    self._owners[size].setdefault(gram, []).append(number)
            self._short.append(frozenset(ngrams(words, SHORT)))
        self._vocabulary = frozenset(vocabulary)

    def grams(self, text: str) -> Grams:
        """Return the n-grams of a training problem that any evaluation problem has, by size."""
        found: dict[int, set[Gram]] = {size: set() for size in SIZES}
        for words in self._known_runs(words_of(text)):
            for run in self._shared_runs(words):
                for size in SIZES:
                    owners = self._owners[size]
                    found[size].update(gram for gram in ngrams(run, size) if gram in owners)
        return found

    def owners(self, size: int, grams: Iterable[Gram]) -> set[int]:
        """Return the places in `problems` of those that have any of these n-grams."""
        return {number for gram in grams for number in self._owners[size][gram]}

    def within(self, grams: Set[Gram]) -> frozenset[int]:
        """Return the places of problems that have short n-grams, and none but these."""
        return frozenset(number for number, own in enumerate(self._short) if own and own <= grams)

    def shared(self, grams: Grams, numbers: Set[int]) -> list[SharedGrams]:
        """Return what a training problem of these n-grams shares with the evaluation problems in these places."""
        if not numbers:
            return []
        by_problem = {size: self._by_problem(size, grams[size], numbers) for size in (LONG, SHORT)}
        return [
            SharedGrams(
                self.problems[number],
                by_problem[LONG].get(number, ()),
                short,
                self._short[number],
            )
            for number, short in by_problem[SHORT].items()
        ]

    def in_several(self, size: int, *, more_than: int) -> set[Gram]:
        """Return the n-grams that stand in more than so many evaluation problems."""
        return {gram for gram, owners in self._owners[size].items() if len(owners) > more_than}

    def _known_runs(self, words: Sequence[str]) -> Iterator[list[str]]:
        """Yield runs of words that evaluation problems have: no n-gram with another word can be shared."""
        run: list[str] = []
        for word in words:
            if word in self._vocabulary:
                run.append(word)
                continue
            if len(run) >= SHORT:
                yield run
            run = []
        if len(run) >= SHORT:
            yield run

    def _shared_runs(self, words: Sequence[str]) -> Iterator[Sequence[str]]:
        """Yield runs of words whose every short n-gram is known: no longer n-gram with another one can be shared."""
        owners = self._owners[SHORT]
        is_known = [gram in owners for gram in ngrams(words, SHORT)]
        start = 0
        for known, same in groupby(is_known):
            end = start + sum(1 for _ in same)
            if known:
                yield words[start : end + SHORT - 1]
            start = end

    def _by_problem(self, size: int, grams: Iterable[Gram], numbers: Set[int]) -> dict[int, list[Gram]]:
        found: dict[int, list[Gram]] = {}
        for gram in grams:
            for number in self._owners[size][gram]:
                if number in numbers:
                    found.setdefault(number, []).append(gram)
        return found
