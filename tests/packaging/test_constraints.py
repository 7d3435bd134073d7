"""Constraint sets against what they are installed with, without a registry; scripts/release asks one."""

import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "scripts" / "release"))

from resolve_constraints import SETS, needs_no_pin, pinned  # noqa: E402 - found by the line above

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def asked_for(extras):
    """Yield what this project asks for with `extras`, those of its own extras too."""
    for text in [*PROJECT["dependencies"], *(text for extra in extras for text in extras_of(extra))]:
        yield Requirement(text)


def extras_of(extra):
    for text in PROJECT["optional-dependencies"][extra]:
        one = Requirement(text)
        if one.name == PROJECT["name"]:
            yield from (inner for name in one.extras for inner in extras_of(name))
        else:
            yield text


def test_every_set_says_what_it_is_for():
    assert {path.stem for path in (ROOT / "constraints").iterdir()} == set(SETS)


@pytest.mark.parametrize("name", SETS)
def test_a_set_pins_what_it_is_installed_with_to_a_version_that_is_asked_for(name):
    pins = pinned(ROOT / "constraints" / f"{name}.txt")
    asked = SETS[name]
    wanted = [*asked_for(asked.extras), *map(Requirement, (*asked.packages, *asked.bare))]
    for one in wanted:
        package = canonicalize_name(one.name)
        if not needs_no_pin(package, name):
            assert package in pins, f"{package} has no pin in {name}"
            assert one.specifier.contains(pins[package], prereleases=True), f"{one} in {name}"


@pytest.mark.parametrize("name", SETS)
def test_a_set_names_a_package_once(name):
    lines = [line for line in (ROOT / "constraints" / f"{name}.txt").read_text().splitlines() if "==" in line]
    assert len(pinned(ROOT / "constraints" / f"{name}.txt")) == len(lines)
