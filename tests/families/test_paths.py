"""A sample of `make test-families`: families of different kinds through every path of the command line."""

from pathlib import Path

import pytest

from tests.cli.run import leanrl
from tests.families.family import Method
from tests.families.paths import Line, walk
from tests.families.table import named
from tests.families.tiny import make_tiny_family


@pytest.mark.parametrize(
    ("name", "method", "rows"),
    [
        ("cohere2", "lora", "packed"),
        pytest.param("lfm2", "full", "padded", marks=pytest.mark.long),
        pytest.param("gemma2", "qlora", "padded", marks=pytest.mark.long),
    ],
)
def test_a_family_goes_through_every_path(name: str, method: Method, rows: str, tmp_path: Path) -> None:
    if method == "qlora":
        pytest.importorskip("bitsandbytes", reason="QLoRA needs the package bitsandbytes (extra qlora)")
    model = make_tiny_family(tmp_path / "model", named(name))
    found = dict(walk(Line(named(name), method, model, tmp_path), leanrl))
    assert found["rows"] == rows
    assert found["resumed"] < 1e-6
    assert found.get("packed_from_padded", 0.0) < 1e-2
    assert found["sampled"]
