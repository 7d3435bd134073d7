"""The wheel: what it carries, and that it works where there is no checkout."""

import os
import subprocess
import sys
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
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    run("-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
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
