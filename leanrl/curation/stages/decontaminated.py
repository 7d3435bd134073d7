"""Rows that repeat no evaluation problem."""

from collections.abc import Sequence

from leanrl.config.sections.field_types import Fraction
from leanrl.config.sections.section import Section, key
from leanrl.curation.decontamination.boilerplate import find_boilerplate
from leanrl.curation.decontamination.index import EvaluationIndex
from leanrl.curation.decontamination.leaks import LeakFinder
from leanrl.curation.decontamination.sets import evaluation_problems
from leanrl.curation.stages.stage import CuratedRow, Finding, Judged, Tools, dropped
from leanrl.errors import Problem


class Decontaminated(Section):
    against: list[str] = key([], "benchmarks by name, or files of problems; none: all benchmarks that are at hand")
    min_containment: Fraction = key(0.5, "drop a row that holds this fraction of an evaluation problem's 5-word runs")


def contradictions(parameters: Decontaminated) -> Sequence[Problem]:
    """Return a problem where every row would be a leak."""
    if parameters.min_containment == 0:
        return [Problem("min_containment", "0 drops every row that shares a run of words", "min_containment: 0.5")]
    return []


def judge_leaks(parameters: Decontaminated, rows: Sequence[CuratedRow], tools: Tools) -> Judged:
    """Drop rows that hold an evaluation problem, as `leanrl data decontaminate` does.

    Raises:
        MissingError: if a named benchmark, or all, cannot be had.
    """
    problems = evaluation_problems(parameters.against or None, data_dir=tools.data_dir, say=tools.say)
    index = EvaluationIndex(problems)
    boilerplate = find_boilerplate(index, (row.problem for row in rows))
    finder = LeakFinder(index, boilerplate, min_containment=parameters.min_containment)
    return Judged([_finding(row, finder) for row in rows])


def _finding(row: CuratedRow, finder: LeakFinder) -> Finding:
    leaks = finder.leaks(row.problem, row.answers[0] if row.answers else None)
    if not leaks:
        return Finding(row)
    leak = leaks[0]
    same = " with its answer" if leak.same_answer else ""
    return dropped(
        f"repeats {leak.problem.set_name}{same}: {leak.reason}: {' '.join(leak.problem.text.split())[:160]!r}"
    )
