"""Rows by their text: its language, and kinds of problems that no single exact answer settles."""

import re
from collections.abc import Mapping

from leanrl.config.sections.field_types import Fraction
from leanrl.config.sections.section import Section, key
from leanrl.curation.stages.stage import CuratedRow, Finding, dropped
from leanrl.rewards.text.language import language_share
from leanrl.types import Language


class InLanguage(Section):
    language: Language = key("en", "code of the language")
    min_share: Fraction = key(0.7, "least fraction of the problem's words, formulas left out")


class ProblemKinds(Section):
    multi_part: bool = key(True, "drop problems of several parts: (a) ... (b) ..., 1) ... 2) ..., 'the two questions'")
    multiple_choice: bool = key(True, "drop problems that list choices A to D")
    proof: bool = key(True, "drop problems that ask for a proof")
    figure: bool = key(True, "drop problems that show or mention a figure")
    hyperlink: bool = key(True, "drop problems with an address")


# Ours: the paper's filter is a model's judgement whose prompt is not published. Each is tried on the whole problem.
_RULES: Mapping[str, tuple[re.Pattern[str], ...]] = {
    "multi_part": (
        re.compile(r"(?:^|\s|\n)\(?(?:a|i|1)\)[\s\S]+?(?:\s|\n)\(?(?:b|ii|2)\)\s"),
        re.compile(r"(?:^|\n)\s*(?:\*\*)?(?:Part|Question) ?(?:[1A]|\(a\))\b[\s\S]+(?:Part|Question) ?(?:[2B]|\(b\))"),
        re.compile(r"(?:^|\n)\s*p1\.\s", re.IGNORECASE),
        re.compile(r"(?:^|\n)\s*(?:\*\*)?1\.(?:\*\*)?\s[\s\S]+\n\s*(?:\*\*)?2\.(?:\*\*)?\s"),
    ),
    "multiple_choice": (
        re.compile(
            r"(?:\(A\)|\\text(?:bf)?\{\s*\(A\)|\bA[.)]\s)[\s\S]+?(?:\(B\)|\{\s*\(B\)|\bB[.)]\s)[\s\S]+?(?:C[.)])"
        ),
        re.compile(r"which of the following", re.IGNORECASE),
    ),
    "proof": (
        re.compile(
            r"(?:^|[.?!:;,]\s+|\n\s*|\band\s+|\bthen\s+)(?:prove|show|demonstrate|verify|justify)\b(?! your| all)",
            re.IGNORECASE,
        ),
    ),
    "figure": (
        re.compile(r"\[asy\]|!\[|\\includegraphics|<img\b|\\begin\{tikzpicture\}"),
        re.compile(
            r"\b(?:as shown|shown (?:in the|below|above|here)|(?:figure|diagram|picture|graph) (?:below|above|shows?)|"
            r"in the (?:following |adjoining |accompanying )?(?:figure|diagram|picture)|pictured)\b",
            re.IGNORECASE,
        ),
    ),
    "hyperlink": (re.compile(r"https?://|www\."),),
}
_NAMES = {"multi_part": "several parts", "multiple_choice": "multiple choice", "proof": "asks for a proof",
          "figure": "depends on a figure", "hyperlink": "holds an address"}  # fmt: skip
_SHOWN = 40


def judge_language(parameters: InLanguage, row: CuratedRow) -> Finding:
    """Drop a row whose words are in another language; one that has no words stays."""
    share = language_share(row.problem, parameters.language)
    if share is None or share >= parameters.min_share:
        return Finding(row)
    return dropped(f"{share:.0%} of the words are {parameters.language}")


def judge_kind(parameters: ProblemKinds, row: CuratedRow) -> Finding:
    """Drop a row of a kind that is not wanted, with the words that show it."""
    for name, patterns in _RULES.items():
        if not getattr(parameters, name):
            continue
        found = next((match for pattern in patterns if (match := pattern.search(row.problem))), None)
        if found is not None:
            return dropped(f"{_NAMES[name]}: {' '.join(found.group().split())[:_SHOWN]!r}")
    return Finding(row)
