"""Quantities in words."""

import pytest

from leanrl.report.quantities import bytes_text, count_text, number_text, seconds_text, share_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (share_text(0.875), "88 %"),
        (share_text(0.0312), "3.1 %"),
        (share_text(0.0), "0 %"),
        (share_text(1), "100 %"),
        (share_text(None), "–"),
        (bytes_text(3 * 2**30), "3.00 GiB"),
        (bytes_text(300 * 2**20), "300 MiB"),
        (bytes_text("much"), "–"),
        (seconds_text(4.24), "4.2 s"),
        (seconds_text(281.4), "4m41s"),
        (seconds_text(float("nan")), "–"),
        (count_text(18615), "18,615"),
        (count_text(True), "–"),
        (number_text(2e-4), "0.0002"),
        (number_text(float("inf")), "–"),
    ],
)
def test_quantities(text: str, expected: str) -> None:
    assert text == expected
