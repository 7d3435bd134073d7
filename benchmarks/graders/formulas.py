"""The copied-formula attack: every formula of a problem's text boxed as if it were the answer."""

import random
import re
from collections.abc import Sequence
from typing import Any

from benchmarks.graders.judges import Case, grade

SEED = 15
_FORMULA = re.compile(
    r"\$\$(?P<display>.+?)\$\$|(?<!\\)\$(?P<inline>(?:[^$\\]|\\.)+?)\$|\\\((?P<round>.+?)\\\)|\\\[(?P<square>.+?)\\\]",
    re.DOTALL,
)


def formulas_of(problem: str) -> list[str]:
    r"""Return each formula of a text once, in order: what stands in $...$, $$...$$, \(...\) or \[...\]."""
    found = (next(text for text in match.groups() if text is not None) for match in _FORMULA.finditer(problem))
    return list(dict.fromkeys(text.strip() for text in found if text.strip()))


def copied_formulas(rows: Sequence[dict[str, Any]]) -> list[Case]:
    """Return a case for each formula of each problem, with the formula in its group."""
    return [
        Case(
            id=row["id"],
            gold=str(row["answer"]),
            completion=rf"The answer is $\boxed{{{formula}}}$.",
            expected=False,
            group=formula,
            problem=row["problem"],
        )
        for row in rows
        for formula in formulas_of(row["problem"])
    ]


def judge_copied(name: str, rows: Sequence[dict[str, Any]], *, num_problems: int) -> dict[str, Any]:
    """Return the fraction of a fixed sample of problems in which a formula of the text is paid, and those formulas.

    A formula that is the gold answer, letter by letter, is counted apart: the problem's text states its answer.
    """
    drawn = random.Random(SEED).sample(rows, min(num_problems, len(rows)))
    cases = copied_formulas(drawn)
    paid = [case for case, verdict in zip(cases, grade(cases), strict=True) if verdict.correct]
    stated = {case.id for case in paid if _is_gold_text(case)}
    others = {case.id for case in paid if not _is_gold_text(case)}
    return {
        "sample": name,
        "problems": len(drawn),
        "with_formulas": len({case.id for case in cases}),
        "formulas": len(cases),
        "paid_problems": len(stated | others),
        "paid_share": round(len(stated | others) / len(drawn), 4),
        "paid_not_gold_text": len(others),
        "share_not_gold_text": round(len(others) / len(drawn), 4),
        "paid": [
            {"id": case.id, "gold": case.gold, "formula": case.group, "is_gold_text": _is_gold_text(case)}
            for case in paid
        ],
    }


def _is_gold_text(case: Case) -> bool:
    return "".join(case.group.split()) == "".join(case.gold.split())
