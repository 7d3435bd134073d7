"""The sdist and the wheel built from it: what they carry, and that the wheel works where there is no checkout."""

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command, cwd, **environment):
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """The folder with both; the wheel is built from the sdist, so that nothing it needs can be missing there."""
    folder = tmp_path_factory.mktemp("dist")
    run("-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(dist):
    (built,) = dist.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A function that runs Python on the installed wheel, in a folder far from the checkout."""
    target, elsewhere = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("elsewhere")
    # The dependencies are those of the environment; scripts/release/prove_wheel installs them too.
    run("-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", target, wheel, cwd=elsewhere)

    def python(*arguments):
        return run(*arguments, cwd=elsewhere, PYTHONPATH=str(target))

    found = python("-c", "import leanrl; print(leanrl.__file__)")
    assert found.strip() == str(target / "leanrl" / "__init__.py")
    return python


def test_it_carries_every_preset_every_constraint_set_and_every_file_of_the_package(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = [path for folder in ("presets", "constraints") for path in (ROOT / folder).iterdir()]
    assert {f"leanrl/{path.relative_to(ROOT)}" for path in shipped} <= names
    package = [path for path in (ROOT / "leanrl").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {str(path.relative_to(ROOT)) for path in package} <= names


def test_the_sdist_has_what_a_tester_needs(dist):
    (built,) = dist.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    wanted = {name for name in tracked if not name.startswith(".") and not (ROOT / name).is_symlink()}
    assert sorted(wanted - names) == []


def test_its_metadata_are_what_an_index_shows(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith("METADATA"))
        text = archive.read(name).decode()
    classifiers = re.findall(r"^Classifier: (.*)$", text, re.M)
    assert [one for one in classifiers if one.startswith("Programming Language :: Python :: 3.")] == [
        f"Programming Language :: Python :: 3.{minor}" for minor in range(11, 15)
    ]
    assert "Typing :: Typed" in classifiers
    assert "License-Expression: Apache-2.0" in text
    assert "Requires-Python: <3.15,>=3.11" in text
    assert "Description-Content-Type: text/markdown" in text
    assert "# leanrl\n" in text


def test_it_carries_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {"leanrl", f"leanrl_grpo-{wheel.name.split('-')[1]}.dist-info"}
    assert not [name for name in names if name.endswith(".pyc")]


def test_presets_are_listed_and_shown(installed):
    listed = [line.split()[0] for line in installed("-m", "leanrl", "presets").splitlines()]
    assert sorted(listed) == sorted(path.stem for path in (ROOT / "presets").glob("*.yaml"))
    assert installed("-m", "leanrl", "presets", "show", "cpu-demo") == (ROOT / "presets" / "cpu-demo.yaml").read_text()


def test_constraints_are_printed(installed):
    printed = installed("-m", "leanrl", "doctor", "--constraints", "default")
    assert printed == (ROOT / "constraints" / "default.txt").read_text()


def test_a_preset_is_planned(installed):
    assert "a40x4-full-exp2" in installed("-m", "leanrl", "plan", "-p", "a40x4-full-exp2")


def test_no_constraint_set_pins_what_another_python_forbids():
    """vLLM asks for setuptools below 81 from Python 3.12 on: one pin for all versions cannot be resolved."""
    for path in (ROOT / "constraints").iterdir():
        assert not [line for line in path.read_text().splitlines() if line.startswith("setuptools==")], path


def test_the_hubs_own_http_library_is_used():
    """Its errors are those of the library that it was built on: httpx, or the one that follows it."""
    importing = [path for path in (ROOT / "leanrl").rglob("*.py") if "\nimport httpx" in path.read_text()]
    assert importing == []
