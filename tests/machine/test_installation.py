"""The pip commands of the hints: the right name, the right folder, extras that exist."""

import re
import shlex
import tomllib
from importlib.metadata import Distribution
from pathlib import Path
from typing import get_args

import pytest
from packaging.requirements import Requirement

import leanrl
import leanrl.machine.installation as installation
from leanrl.machine.diagnosis import diagnose
from leanrl.machine.installation import (
    DISTRIBUTION,
    Extra,
    check_card,
    install_cpu_vllm,
    install_extras,
    install_packages,
    replace_namesake,
)

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TEXTS = [
    path
    for folder in ("leanrl", "docs", "scripts", "examples", "tests", "presets", "benchmarks")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".py", ".md", ".yaml", ""} and path.is_file()
] + [ROOT / "README.md", ROOT / "Makefile", ROOT / "CONTRIBUTING.md", ROOT / "pyproject.toml"]


@pytest.fixture
def wheel(monkeypatch):
    """leanrl runs from an installed wheel."""
    monkeypatch.setattr(installation, "checkout_folder", lambda: None)


@pytest.fixture
def namesake(monkeypatch, tmp_path):
    """Another project's distribution that is called `leanrl`, as pip leaves it."""
    folder = tmp_path / "site"
    info = folder / "leanrl-0.1.5.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: leanrl\nVersion: 0.1.5\nSummary: Parses reports\n")
    monkeypatch.syspath_prepend(str(folder))


def test_the_name_and_the_extras_are_those_of_pyproject():
    assert PROJECT["name"] == DISTRIBUTION
    assert set(get_args(Extra)) == set(PROJECT["optional-dependencies"])


def test_an_extra_asks_for_extras_of_the_same_distribution():
    """`leanrl[demo]` among the requirements would fetch the other project."""
    asked = [Requirement(line) for lines in PROJECT["optional-dependencies"].values() for line in lines]
    ours = [requirement for requirement in asked if requirement.name.startswith("leanrl")]
    assert {requirement.name for requirement in ours} == {DISTRIBUTION}
    assert {extra for requirement in ours for extra in requirement.extras} <= set(get_args(Extra))


def test_in_the_checkout_an_extra_is_installed_from_here(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert install_extras("vllm") == "pip install -e '.[vllm]'"
    assert install_extras("vllm", "memory") == "pip install -e '.[vllm,memory]'"
    assert install_extras() == "pip install -e ."
    assert install_cpu_vllm() == "python scripts/install_vllm_cpu.py"
    assert check_card() == "make gpu-check"


def test_elsewhere_the_checkout_is_named(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert shlex.split(install_extras("vllm")) == ["pip", "install", "-e", f"{ROOT}[vllm]"]
    script = shlex.split(install_cpu_vllm())[1]
    assert Path(script).is_file()


def test_a_checkout_in_a_folder_with_a_space_is_quoted(monkeypatch):
    monkeypatch.setattr(installation, "checkout_folder", lambda: Path("/home/ada/my work"))
    assert shlex.split(install_extras("demo")) == ["pip", "install", "-e", "/home/ada/my work[demo]"]
    assert shlex.split(install_cpu_vllm()) == ["python", "/home/ada/my work/scripts/install_vllm_cpu.py"]
    assert shlex.split(check_card()) == ["make", "-C", "/home/ada/my work", "gpu-check"]


def test_a_folder_that_is_gone_is_no_obstacle(monkeypatch, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert install_extras("demo").startswith("pip install -e ")


def test_a_wheel_is_asked_for_by_the_name_of_its_distribution(wheel):
    assert install_extras("vllm") == "pip install 'leanrl-grpo[vllm]'"
    assert install_extras() == "pip install leanrl-grpo"
    assert install_cpu_vllm() is None
    assert check_card() == "make gpu-check, in a checkout of leanrl"


def test_pins_and_packages_of_others(wheel):
    line = install_extras("vllm", packages=("unsloth",), constraints="c.txt")
    assert line == "pip install -c c.txt 'leanrl-grpo[vllm]' unsloth"
    assert install_packages("vllm>=0.31,<0.32") == "pip install 'vllm>=0.31,<0.32'"
    assert install_packages("a", with_dependencies=False, again=True) == "pip install --no-deps --force-reinstall a"


def test_the_namesake_is_taken_away_before_our_files_are_put_back(wheel):
    ours = "pip install --no-deps --force-reinstall leanrl-grpo"
    assert replace_namesake() == f"pip uninstall -y leanrl && {ours}"


def test_doctor_warns_of_the_namesake_first(namesake):
    finding = diagnose()[0]
    assert (finding.subject, finding.status) == ("another leanrl", "warn")
    assert "0.1.5" in finding.text
    assert "Parses reports" in finding.text
    assert finding.hint == replace_namesake()


def test_doctor_is_silent_without_a_namesake(monkeypatch):
    monkeypatch.setattr(installation, "distribution", _not_found)
    assert "another leanrl" not in {finding.subject for finding in diagnose()}


def _not_found(name: str) -> Distribution:
    raise installation.PackageNotFoundError(name)


def test_pip_is_named_in_one_file_of_the_package():
    naming = [path for path in (ROOT / "leanrl").rglob("*.py") if "pip install" in path.read_text()]
    assert naming == [ROOT / "leanrl" / "machine" / "installation.py"]


def test_no_text_asks_pip_for_the_other_project():
    """Neither `leanrl[extra]` nor `pip install leanrl`, wherever a reader could paste it from."""
    wrong = re.compile(r"leanrl\[[a-z]|pip install[^`\n]*[ '\"]leanrl['\"\s`\[]")
    of_such_texts = (Path(__file__), ROOT / "tests" / "test_hints.py")
    found = {
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in TEXTS
        if path not in of_such_texts
        for match in wrong.finditer(path.read_text())
    }
    assert found == set()


def test_the_version_is_that_of_the_distribution_and_costs_no_import(monkeypatch):
    assert "version" in PROJECT["dynamic"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", leanrl.__version__)
