"""Walks a page: its files are written, its shell and Python blocks are run in their order, in one folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.examples import toy
from tests.examples.blocks import Block, blocks_of

ROOT = Path(__file__).parents[2]
_SLOW_PYTHON = re.compile(r"\bleanrl\.(train|resume|evaluate|merge|sample)\(")
_TIMEOUT_SECONDS = 600


def walk(page: Path, folder: Path, *, model: Path, is_long: bool) -> list[tuple[Block, str]]:
    """Run a page in a folder, what toy.yaml calls long only where `is_long`; return its blocks with what they printed.

    Raises:
        AssertionError: where a block fails, or prints something else than the page shows, with its page and line.
    """
    programs = _programs(folder.with_name(f"{folder.name}-programs"))
    environment = os.environ | {
        "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        toy.MODEL: str(model),
        toy.IS_LONG: "1" if is_long else "0",
        toy.LOG: str(programs / "used"),
    }
    printed = []
    for block in blocks_of(page):
        if block.file_name:
            (folder / block.file_name).write_text(block.content, encoding="utf-8")
        elif block.language == "python":
            if is_long or not _SLOW_PYTHON.search(block.content):
                (folder / ".block.py").write_text(block.content, encoding="utf-8")
                command = [sys.executable, "-m", "tests.examples.toy_python", ".block.py"]
                printed.append((block, _run(block, command, folder, environment)))
        elif block.language == "shell":
            command = ["bash", "-euo", "pipefail", "-c", block.content]
            printed.append((block, _run(block, command, folder, environment)))
        else:
            assert block.language == "text", f"{block.place}: no test reads a block of {block.language} without a name"
    return printed


def used_entries(folder: Path) -> set[str]:
    """Return the entries of toy.yaml that a walk in a folder has met."""
    file = folder.with_name(f"{folder.name}-programs") / "used"
    return set(file.read_text(encoding="utf-8").splitlines()) if file.exists() else set()


def _run(block: Block, command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
    )
    assert done.returncode == _expected_code(block), f"{block.place}: exit code {done.returncode}\n{done.stderr}"
    if block.shown:
        printed = done.stderr if done.returncode else done.stdout
        assert printed == block.shown, f"{block.place}: it does not print what the page shows"
    return done.stdout


def _expected_code(block: Block) -> int:
    for line in block.content.splitlines():
        words = line.split()
        if words[:1] == ["leanrl"] and "code" in toy.entry_of(words[1:])[1]:
            return int(toy.entry_of(words[1:])[1]["code"])
    return 0


def _programs(folder: Path) -> Path:
    """Write `leanrl`, and what runs elsewhere, as programs; any other one that is not of the system is an error."""
    folder.mkdir(exist_ok=True)
    others = {beginning.split()[0] for beginning in toy.toy()["elsewhere"]} - {"leanrl"}
    for name, module in [("leanrl", "toy_leanrl"), *((name, "toy_elsewhere") for name in others)]:
        program = folder / name
        arguments = '"$@"' if name == "leanrl" else f'{name} "$@"'
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.examples.{module} {arguments}\n')
        program.chmod(0o755)
    return folder
