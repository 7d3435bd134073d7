"""Rows whose gold answer the grader can read, and takes for right when a completion gives it."""

from collections.abc import Mapping, Sequence

from leanrl.config.sections.section import Section
from leanrl.curation.stages.stage import CuratedRow, Finding, Judged, Tools, dropped
from leanrl.grading.scorers.gold import own_answer
from leanrl.types import GradeRequest, Verdict


class GoldVerifies(Section):
    pass


def judge_golds(_: GoldVerifies, rows: Sequence[CuratedRow], tools: Tools) -> Judged:
    """Drop rows without a gold answer, and those whose own answer in a box would not be paid."""
    answered = [row for row in rows if row.answers]
    parses = dict(zip((row.id for row in answered), tools.parses([row.gold for row in answered]), strict=True))
    read = [row for row in answered if parses[row.id]]
    requests = [GradeRequest(f"\\boxed{{{own_answer(row.answers[0])}}}", row.gold) for row in read]
    verdicts = dict(zip((row.id for row in read), tools.grader.grade(requests), strict=True))
    return Judged([_finding(row, parses, verdicts) for row in rows])


def _finding(row: CuratedRow, parses: Mapping[str, bool], verdicts: Mapping[str, Verdict]) -> Finding:
    if not row.answers:
        return dropped(row.why_no_answer or "no gold answer")
    if not parses[row.id]:
        return dropped(f"the gold answer cannot be parsed: {row.answers[0]!r:.80}")
    if own_answer(row.answers[0]) is None:
        return dropped("the scorer's entry has no answer of its own")
    verdict = verdicts[row.id]
    if not verdict.correct:
        return dropped(f"the gold answer does not verify against itself ({verdict.reason}): {row.answers[0]!r:.80}")
    return Finding(row)
