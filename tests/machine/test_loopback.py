"""Addresses of this machine."""

import pytest

from leanrl.machine.loopback import is_loopback


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://127.8.9.1/v1", True),
        ("http://localhost:1/v1", True),
        ("http://[::1]:8000", True),
        ("http://10.0.0.1:8000", False),
        ("https://api.example.org/v1", False),
        ("http://127.0.0.1.example.org", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_is_loopback(url: str, expected: bool):
    assert is_loopback(url) is expected
