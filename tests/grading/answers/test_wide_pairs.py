"""Every kind of answer in many spellings, right and wrong, by wide_pairs.txt; `make test` judges a sample."""

import re
from pathlib import Path

import pytest

from tests.grading.answers.test_comparison import reason_for

LINES = (Path(__file__).parent / "wide_pairs.txt").read_text(encoding="utf-8").splitlines()
PAIRS = [match.groups() for line in LINES if (match := re.fullmatch(r"(?!#)(.+?) (==|!=) (.+)", line))]
SAMPLED = 15  # every fifteenth line


def wrongly_judged(pairs: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return the pairs whose verdict is not that of the table."""
    return [
        (gold, sign, answer)
        for gold, sign, answer in pairs
        if (reason_for(gold, answer) == "correct") != (sign == "==")
    ]


def test_a_sample():
    """One of fifteen, from all classes."""
    assert len(PAIRS) > 700
    assert wrongly_judged(PAIRS[::SAMPLED]) == []


@pytest.mark.long
def test_all():
    """The whole table."""
    assert wrongly_judged(PAIRS) == []
