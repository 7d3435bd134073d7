"""How leanrl is installed, and the pip commands that its hints name.

The distribution has another name than the command and the import: `leanrl` on the package index is somebody else's.
Every hint that installs something is made here, and a test holds the extras against pyproject.toml.
"""

import shlex
from collections.abc import Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Literal

DISTRIBUTION = "leanrl-grpo"
Extra = Literal["demo", "vllm", "qlora", "memory", "dedup", "tasks", "report", "docs", "dev"]
_CPU_VLLM_SCRIPT = Path("scripts", "install_vllm_cpu.py")
_IMPORT_NAME = "leanrl"


def install_extras(*extras: Extra, packages: Sequence[str] = (), constraints: str | None = None) -> str:
    """Return the command that installs extras of leanrl; without one, leanrl and what it needs.

    A checkout is installed from its folder, a wheel by the name of its distribution.

    Args:
        packages: requirements to install in the same command.
        constraints: a file of pinned versions.
    """
    names = f"[{','.join(extras)}]" if extras else ""
    root = checkout_folder()
    source = [f"{DISTRIBUTION}{names}"] if root is None else ["-e", f"{_seen_from_here(root)}{names}"]
    pinned = [] if constraints is None else ["-c", constraints]
    return _pip_install(*pinned, *source, *packages)


def install_packages(*requirements: str, with_dependencies: bool = True, again: bool = False) -> str:
    """Return the command that installs packages of others; `again` also where they are installed."""
    options = [*([] if with_dependencies else ["--no-deps"]), *(["--force-reinstall"] if again else [])]
    return _pip_install(*options, *requirements)


def reinstall_together(package: str) -> str:
    """Return the commands that install a package anew with the torch that leanrl's versions were built with."""
    packages = ["torch"] if package == "torch" else ["torch", package]
    install = shlex.join(["pip", "install", "--force-reinstall", "-c", "versions.txt", *packages])
    return " && ".join(["leanrl doctor --constraints default > versions.txt", install])


def install_cpu_vllm() -> str | None:
    """Return the command that installs vLLM for the CPU, or None where leanrl is no checkout and lacks the script."""
    root = checkout_folder()
    if root is None:
        return None
    folder = _seen_from_here(root)
    return shlex.join(["python", str(_CPU_VLLM_SCRIPT if folder == "." else Path(folder, _CPU_VLLM_SCRIPT))])


def check_card() -> str:
    """Return the command that proves leanrl on the card of this machine; a wheel does not have it."""
    root = checkout_folder()
    if root is None:
        return "make gpu-check, in a checkout of leanrl"
    folder = _seen_from_here(root)
    return "make gpu-check" if folder == "." else shlex.join(["make", "-C", folder, "gpu-check"])


def replace_namesake() -> str:
    """Return the commands that take away the distribution `leanrl` and put back the files that it shares with ours."""
    ours = install_extras().removeprefix("pip install ")
    return f"pip uninstall -y {_IMPORT_NAME} && pip install --no-deps --force-reinstall {ours}"


def find_namesake() -> Distribution | None:
    """Return the distribution called `leanrl`, which is not ours, or None where it is not installed."""
    try:
        return distribution(_IMPORT_NAME)
    except PackageNotFoundError:
        return None


def checkout_folder() -> Path | None:
    """Return the folder of the checkout that leanrl runs from, or None where it runs from an installed wheel."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").is_file() else None


def _seen_from_here(root: Path) -> str:
    try:
        return "." if Path.cwd().resolve() == root else str(root)
    except FileNotFoundError:  # the folder that the command was started in is gone
        return str(root)


def _pip_install(*arguments: str) -> str:
    return shlex.join(["pip", "install", *arguments])
