"""Boilerplate: runs of words that many problems share, and that are no sign of a leak."""

from collections.abc import Iterable
from dataclasses import dataclass

from leanrl.curation.decontamination.index import LONG, SHORT, EvaluationIndex, Gram, SharedGrams
from leanrl.curation.decontamination.words import ngrams, words_of

_IN_TRAINING = 20  # problems; `where m and n are relatively prime positive integers` stands in hundreds
_IN_EVALUATION = 2  # problems; a definition in brackets that an exam repeats


@dataclass(frozen=True)
class Boilerplate:
    """N-grams of evaluation problems that are forms of speech, of 13 words and of 5."""

    long: frozenset[Gram]
    short: frozenset[Gram]

    def has(self, gram: Gram) -> bool:
        """Return whether an n-gram of 13 words is one, or consists of shorter ones for the most part.

        Such a form has variants by the dozen, with other letters, and each of them may be rare.
        """
        if gram in self.long:
            return True
        parts = list(ngrams(gram, SHORT))
        return 2 * sum(part in self.short for part in parts) > len(parts)

    def containment(self, shared: SharedGrams) -> float:
        """Return the fraction of an evaluation problem's n-grams of 5 words that a training problem has too.

        Forms of speech count on neither side, unless the problem has nothing else.
        """
        own = shared.all_short - self.short or shared.all_short
        return len(own & set(shared.short)) / len(own)


def find_boilerplate(
    index: EvaluationIndex,
    texts: Iterable[str],
    *,
    in_training: int = _IN_TRAINING,
    in_evaluation: int = _IN_EVALUATION,
) -> Boilerplate:
    """Return the n-grams of the index that stand in more than so many different training or evaluation problems.

    Memory is bounded by the index, whatever the number of texts. Copies of one text count once: a problem that is
    copied thirty times is a leak.
    """
    places: dict[Gram, set[int]] = {}
    found: dict[int, set[Gram]] = {LONG: set(), SHORT: set()}
    for text in texts:
        grams = index.grams(text)
        if not grams[SHORT]:
            continue
        key = hash(tuple(words_of(text)))
        for size, common in found.items():
            for gram in grams[size] - common:
                seen = places.setdefault(gram, set())
                seen.add(key)
                if len(seen) > in_training:
                    common.add(gram)
                    del places[gram]
    return Boilerplate(
        long=frozenset(found[LONG] | index.in_several(LONG, more_than=in_evaluation)),
        short=frozenset(found[SHORT] | index.in_several(SHORT, more_than=in_evaluation)),
    )
