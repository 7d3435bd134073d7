"""Rows by a judge model's verdict, which is strict: one JSON object, or it is none."""

import json
import re
from collections.abc import Sequence
from typing import Literal

from leanrl.config.sections.section import Section, key
from leanrl.curation.stages.stage import Asks, CuratedRow, Finding, Judged, Reply, Tools, dropped
from leanrl.errors import Problem

PLACEHOLDER = "{problem}"
# Ours: the paper's judge is asked with a prompt that is not published.
QUESTION = (
    "Below is a problem from a collection that trains a model whose final answers are checked by a program. "
    "Decide whether it can be used.\n"
    "- clean: one complete question with one final answer.\n"
    "- noisy: text is missing, garbled or no question, or it cannot be understood without something outside it.\n"
    "- multi_part: it asks for several separate answers.\n\n"
    "Problem:\n{problem}\n\n"
    'End your reply with one line of JSON and nothing after it: {"verdict": "clean"}, {"verdict": "noisy"} or '
    '{"verdict": "multi_part"}.'
)
UNREADABLE = "unreadable"
_VERDICT = re.compile(r"\{\s*\"verdict\"\s*:\s*\"[^\"{}]*\"\s*\}")


class JudgedClean(Section):
    model: str = key("", "name of the judge in the recipe's models")
    question: str = key(QUESTION, "what the judge is asked; {problem} is replaced by the problem")
    verdicts: list[str] = key(["clean", "noisy", "multi_part"], "verdicts that the judge may give")
    keeps: list[str] = key(["clean"], "verdicts that let a row stay")
    unreadable: Literal["drop", "keep"] = key("drop", "rows whose verdict cannot be read")


def contradictions(parameters: JudgedClean) -> Sequence[Problem]:
    """Return what lets no row stay, or every row."""
    found = []
    if PLACEHOLDER not in parameters.question:
        found.append(Problem("question", f"has no {PLACEHOLDER}: every row would be asked alike"))
    unknown = [verdict for verdict in parameters.keeps if verdict not in parameters.verdicts]
    if unknown:
        found.append(Problem("keeps", f"{', '.join(unknown)} is none of {', '.join(parameters.verdicts)}"))
    if not parameters.keeps:
        found.append(Problem("keeps", "is empty: no row can stay", "keeps: [clean]"))
    elif set(parameters.keeps) >= set(parameters.verdicts) and parameters.unreadable == "keep":
        found.append(Problem("keeps, unreadable", "keep every row, and ask a model about each"))
    return found


def judge_by_model(parameters: JudgedClean, rows: Sequence[CuratedRow], tools: Tools) -> Judged:
    """Drop rows by the verdict of a judge."""

    def message(row: CuratedRow) -> str:
        return parameters.question.replace(PLACEHOLDER, row.problem)

    def reader(text: str) -> str:
        return "correct" if read_verdict(text, parameters.verdicts) in parameters.keeps else "wrong"

    answered = tools.ask(parameters.model, rows, num_samples=1, asks=Asks(message, reader))
    findings = [_finding(row, replies, parameters) for row, replies in zip(rows, answered.replies, strict=True)]
    return Judged(findings, answered.model, answered.sampling)


def read_verdict(text: str, verdicts: Sequence[str]) -> str:
    """Return the verdict that ends a reply; `unreadable` where it is no JSON object of a known verdict.

    A code block around the object is allowed. A verdict in the middle of a reply is part of its thoughts.
    """
    ending = text.strip().removesuffix("```").strip()
    found = [match for match in _VERDICT.finditer(ending) if match.end() == len(ending)]
    if not found:
        return UNREADABLE
    verdict = json.loads(found[-1].group())["verdict"]
    return verdict if verdict in verdicts else UNREADABLE


def _finding(row: CuratedRow, replies: tuple[Reply, ...], parameters: JudgedClean) -> Finding:
    verdict = read_verdict(replies[0].text, parameters.verdicts)
    stays = verdict in parameters.keeps or (verdict == UNREADABLE and parameters.unreadable == "keep")
    reason = "the judge's verdict cannot be read" if verdict == UNREADABLE else f"the judge says {verdict}"
    return Finding(row, reason, replies) if stays else dropped(reason, replies=replies)
