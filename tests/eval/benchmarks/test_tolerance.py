"""Numbers within the error that a benchmark allows."""

import pytest

from leanrl.eval.benchmarks.tolerance import is_within


@pytest.mark.parametrize(
    ("answer", "gold", "tolerance", "expected"),
    [
        ("4.3", "4.2", "1e-1", True),
        ("4.1\\%", "4.2", "1e-1", True),
        ("4.31", "4.2", "1e-1", False),
        ("1,234.5", "1234", 0.5, True),
        ("4.3", "4.2", None, False),
        ("4.3", "4.2", "", False),
        ("4.3", "4.2", "nan", False),
        ("inf", "4.2", "inf", False),
        ("4.2", "4.2", "-1", False),
        (None, "4.2", "1e-1", False),
        ("x", "4.2", "1e-1", False),
        ("4.3", "4.2", True, False),
    ],
)
def test_is_within(answer: str | None, gold: str, tolerance: object, expected: bool):
    assert is_within(answer, gold, tolerance=tolerance) is expected
