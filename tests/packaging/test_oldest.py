"""constraints/oldest.txt, on which `make test-oldest` runs, is what pyproject.toml promises."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = ("demo", "qlora", "memory")
REQUIRED = [Requirement(line) for line in PROJECT["dependencies"]] + [
    Requirement(line) for extra in EXTRAS for line in PROJECT["optional-dependencies"][extra]
]
PINS = {
    canonicalize_name(name): version
    for line in (ROOT / "constraints" / "oldest.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
    for name, version in [line.split("==")]
}


@pytest.mark.parametrize("requirement", REQUIRED, ids=str)
def test_the_oldest_version_allowed_is_the_one_that_is_tested(requirement):
    lower = [Version(part.version) for part in requirement.specifier if part.operator in (">=", "==")]
    assert lower == [Version(PINS[canonicalize_name(requirement.name)])]
