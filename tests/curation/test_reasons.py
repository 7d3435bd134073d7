"""Reasons are counted by kind: without what is particular to a row."""

import pytest

from leanrl.curation.funnel.dropped import reason_kind


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("3 of 4 completions are right", "… of … completions are right"),
        ("asks for a proof: 'Prove that 1'", "asks for a proof"),
        ("repeats math500 with its answer: holds 80% of it", "repeats math500 with its answer"),
        ("not drawn: 3 of 4 are", "not drawn"),
        ("12 tokens, outside 0 to 10", "… tokens, outside … to"),
        ("rank is 'low'", "rank is"),
        ("", "…"),
    ],
)
def test_kinds_of_reasons(reason: str, kind: str):
    assert reason_kind(reason) == kind
