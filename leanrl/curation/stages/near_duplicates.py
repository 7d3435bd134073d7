"""Rows whose words are nearly those of an earlier row, found by MinHash (the extra `dedup`)."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from leanrl.config.sections.field_types import Fraction, PositiveInt
from leanrl.config.sections.section import Section, key
from leanrl.curation.decontamination.words import ngrams, words_of
from leanrl.curation.stages.stage import CuratedRow, Finding, Judged, Tools, dropped
from leanrl.errors import MissingError, Problem
from leanrl.machine.installation import install_extras


class NearDuplicates(Section):
    min_similarity: Fraction = key(0.8, "Jaccard similarity of word n-grams from which a row is a copy")
    words: PositiveInt = key(3, "words of an n-gram")
    num_permutations: PositiveInt = key(128, "values of a MinHash signature; more are more exact")
    num_bands: PositiveInt = key(32, "bands of a signature; more find less similar rows, and take longer")
    keeps_other_numbers: bool = key(True, "whether rows that differ in a number are two problems")


def contradictions(parameters: NearDuplicates) -> Sequence[Problem]:
    """Return a problem where bands do not divide the signature."""
    if parameters.num_permutations % parameters.num_bands:
        what = f"{parameters.num_bands} bands do not divide {parameters.num_permutations} values"
        return [Problem("num_bands, num_permutations", what, "num_bands: 32 and num_permutations: 128")]
    return []


def judge_near_duplicates(parameters: NearDuplicates, rows: Sequence[CuratedRow], tools: Tools) -> Judged:
    """Keep the first of rows that are nearly equal.

    Candidates of one band of the signature are compared by their n-grams themselves, so that no row is dropped by an
    estimate.

    Raises:
        MissingError: without the extra `dedup`.
    """
    if find_spec("rensa") is None:
        raise MissingError(
            "The stage near_duplicates needs rensa, which is not installed.",
            hint=f"{install_extras('dedup')}, or take the stage out of the recipe",
        )
    return Judged(_first_of_each(parameters, rows, seed=tools.seed))


def _first_of_each(parameters: NearDuplicates, rows: Sequence[CuratedRow], *, seed: int) -> list[Finding]:
    import rensa  # type: ignore[import-untyped,import-not-found,unused-ignore]

    grams = [_grams(row.problem, parameters.words) for row in rows]
    buckets: dict[tuple[int, tuple[int, ...]], list[int]] = {}
    findings: list[Finding] = []
    for index, row in enumerate(rows):
        signature = rensa.RMinHash(parameters.num_permutations, seed)
        signature.update(sorted(" ".join(gram) for gram in grams[index]))
        bands = _bands(signature.digest(), parameters)
        earlier = sorted({other for band in bands for other in buckets.get(band, ())})
        copy = next((other for other in earlier if _is_copy(rows, grams, index, other, parameters)), None)
        if copy is None:
            findings.append(Finding(row))
            for band in bands:
                buckets.setdefault(band, []).append(index)
        else:
            share = _similarity(grams[index], grams[copy])
            findings.append(
                dropped(f"nearly a copy: {share:.0%} of its {parameters.words}-word runs are those of {rows[copy].id}")
            )
    return findings


def _is_copy(
    rows: Sequence[CuratedRow], grams: Sequence[frozenset[Any]], index: int, other: int, parameters: NearDuplicates
) -> bool:
    if parameters.keeps_other_numbers and _numbers(rows[index].problem) != _numbers(rows[other].problem):
        return False
    return _similarity(grams[index], grams[other]) >= parameters.min_similarity


def _similarity(grams: frozenset[Any], others: frozenset[Any]) -> float:
    return len(grams & others) / len(grams | others) if grams or others else 1.0


def _grams(problem: str, size: int) -> frozenset[tuple[str, ...]]:
    words = words_of(problem)
    return frozenset(ngrams(words, size)) or frozenset([tuple(words)])


def _numbers(problem: str) -> list[str]:
    return sorted(word for word in words_of(problem) if word.isdigit())


def _bands(digest: Sequence[int], parameters: NearDuplicates) -> list[tuple[int, tuple[int, ...]]]:
    width = parameters.num_permutations // parameters.num_bands
    return [(band, tuple(digest[band * width : (band + 1) * width])) for band in range(parameters.num_bands)]
