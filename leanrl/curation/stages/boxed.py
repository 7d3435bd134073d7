"""Rows whose solution has its answer in a box."""

from dataclasses import replace
from typing import Literal

from leanrl.config.sections.section import Section, key
from leanrl.curation.stages.stage import CuratedRow, Finding, dropped
from leanrl.grading.text.boxes import find_boxes


class BoxedAnswer(Section):
    column: Literal["solution", "problem"] = key("solution", "text in which the box is looked for")
    takes_answer: bool = key(True, "whether the last box becomes the gold answer")


def judge_boxed_answer(parameters: BoxedAnswer, row: CuratedRow) -> Finding:
    """Drop a row without a filled \\boxed{} in its solution."""
    text = row.solution if parameters.column == "solution" else row.problem
    if text is None:
        return dropped("has no solution")
    boxes = find_boxes(text)
    if not boxes:
        return dropped(f"no \\boxed{{}} in the {parameters.column}")
    content = boxes[-1].content.strip()
    if not content:
        return dropped("the last box is empty")
    return Finding(replace(row, answers=(content,), why_no_answer="") if parameters.takes_answer else row)
