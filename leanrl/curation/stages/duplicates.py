"""Rows that ask one problem again: by their normalised text, or by nearly the same words."""

import re
from collections.abc import Sequence
from typing import Literal

from leanrl.config.sections.section import Section, key
from leanrl.curation.stages.stage import CuratedRow, Finding, Judged, Tools, dropped
from leanrl.grading.answers.certainty import certain_equality
from leanrl.grading.text.golds import read_gold
from leanrl.grading.text.normalisation import normalise

# Operators stay: `-3 - 5` and `3 + 5` are two problems. Punctuation, dollar signs and white space go.
_TOKEN = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+|[-+*/^=<>|!%]")


class ExactDuplicates(Section):
    text: Literal["words", "whole"] = key(
        "words", "words: words in lower case, numbers and operators; whole: everything but white space counts"
    )
    conflicting: Literal["drop_all", "keep_first", "keep_commonest"] = key(
        "drop_all", "copies with different gold answers: drop all, keep the first, or the first of the commonest answer"
    )


def judge_exact_duplicates(parameters: ExactDuplicates, rows: Sequence[CuratedRow], _: Tools) -> Judged:
    """Keep the first of several copies; where their answers differ, as `conflicting` says."""
    groups: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault(_key(row.problem, parameters), []).append(index)
    findings: list[Finding] = [Finding(row) for row in rows]
    for members in groups.values():
        if len(members) > 1:
            for index, finding in _settled([rows[index] for index in members], parameters, members):
                findings[index] = finding
    return Judged(findings)


def same_answer(row: CuratedRow, other: CuratedRow) -> bool:
    """Return whether two rows surely have one answer: equal texts, or values that are equal, as 0.50 and 1/2."""
    if not row.answers or not other.answers:
        return row.answers == other.answers
    return set(row.answers) == set(other.answers) or _equal(row.answers[0], other.answers[0])


def _settled(copies: list[CuratedRow], parameters: ExactDuplicates, members: list[int]) -> list[tuple[int, Finding]]:
    by_answer = _groups_by_answer(copies)
    kept = 0
    if len(by_answer) > 1:
        if parameters.conflicting == "drop_all":
            golds = " and ".join(repr(", ".join(copies[group[0]].answers))[:40] for group in by_answer[:2])
            reason = f"one of several copies with conflicting answers: {golds}"
            return [(index, dropped(reason)) for index in members]
        if parameters.conflicting == "keep_commonest":
            kept = max(by_answer, key=len)[0]
    right = next(group for group in by_answer if kept in group)
    findings = []
    for place, index in enumerate(members):
        if place != kept:
            what = "a copy" if place in right else "a copy with another answer"
            findings.append((index, dropped(f"{what}: of {copies[kept].id}")))
    return findings


def _groups_by_answer(copies: list[CuratedRow]) -> list[list[int]]:
    groups: list[list[int]] = []
    for place, row in enumerate(copies):
        same = next((group for group in groups if same_answer(copies[group[0]], row)), None)
        if same is None:
            groups.append([place])
        else:
            same.append(place)
    return groups


def _key(problem: str, parameters: ExactDuplicates) -> str:
    whole = parameters.text == "whole"
    return " ".join(problem.split() if whole else _TOKEN.findall(problem.lower()))


def _equal(gold: str, other: str) -> bool:
    return certain_equality(normalise(read_gold(gold).text), normalise(read_gold(other).text)) is True
