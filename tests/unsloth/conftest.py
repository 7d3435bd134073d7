"""The tests with the real unsloth, each in a process of its own; where it is not installed all of them are skipped."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.unsloth.no_card import ALLOWED

ROOT = Path(__file__).resolve().parents[2]
NOT_PROVED = (
    "unsloth's Triton kernels, and the forward and backward pass of a model that it has loaded: they need a GPU",
    "generation with its kernels for inference",
    "its checkpoints in host memory",
    "NF4 through its loader, and vLLM's completions for it",
    "a vLLM that gives its memory back beside it on a card",
    "xformers and torchvision, which are not installed here",
    "memory and speed: benchmarks/training/backends.py has no results yet",
    "here its patch is forced (PatchFastRL called by hand), and where its loader is run a card is pretended",
)


def pytest_collection_modifyitems(items):
    absent = pytest.mark.skip(reason="unsloth is not installed here; `make test-unsloth` builds an environment with it")
    for item in items:
        if "tests/unsloth/" in item.path.as_posix():
            item.add_marker(pytest.mark.unsloth)
            if find_spec("unsloth") is None:
                item.add_marker(absent)


def pytest_terminal_summary(terminalreporter, config):
    if find_spec("unsloth") is not None and config.option.markexpr == "unsloth":
        terminalreporter.section("not proved by these tests")
        for line in NOT_PROVED:
            terminalreporter.write_line(f"- {line}")


@pytest.fixture
def run_child(tmp_path):
    """Run `python -m ARGUMENTS` in an empty folder without a card, and return what it prints last, read as JSON."""

    def run(*arguments, environment=None):
        done = subprocess.run(
            [sys.executable, "-m", *map(str, arguments)],
            cwd=tmp_path,
            env=child_environment(tmp_path) | (environment or {}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    return run


def child_environment(folder):
    """Return the environment of a child that is to import unsloth without a GPU."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("UNSLOTH")}
    path = os.pathsep.join([str(folder), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return kept | ALLOWED | {"PYTHONPATH": path, "UNSLOTH_COMPILE_LOCATION": str(folder / "cache")}
