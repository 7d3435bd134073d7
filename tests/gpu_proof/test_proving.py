"""Stages on commands that end, fail, hang or cannot run: each leaves the others alone, and says why."""

import shlex
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from card import find_card
from proving import Target, prove
from stages import Stage, Step

from tests.grading.processes import wait_until
from tests.processes import alive_after

HANGS = (
    "import os, signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "open(sys.argv[1], 'w').write(str(child.pid)); time.sleep(600)"
)


@pytest.fixture
def target(tmp_path):
    return Target(device="cpu", card=None, out=tmp_path, package_root=None, deadline=time.monotonic() + 600)


def stage_of(*steps, gib=1.0, packages=()):
    return Stage("stage", "that it works", gib=gib, packages=tuple(packages), package_folders=("base",), steps=steps)


def run(stage, target):
    return prove(stage, target, on_step=lambda row: None)


def test_a_step_that_fails_leaves_the_next_alone(target):
    bad = Step("bad", 60, "{python} -c 'print(\"why it failed\"); raise SystemExit(7)'")
    row = run(stage_of(bad, Step("good", 60, "{python} -c ''")), target)
    assert row["verdict"] == "failed"
    assert row["why"] == "bad: exit code 7, not 0"
    assert [step["verdict"] for step in row["steps"]] == ["failed", "passed"]
    assert row["steps"][0]["last"] == ("why it failed",)


def test_a_step_that_hangs_is_killed_with_its_children(target, tmp_path, monkeypatch):
    child = tmp_path / "child"

    class Hanging(subprocess.Popen):
        """One whose bound begins when it has its child, however slowly it starts."""

        def wait(self, timeout=None):
            wait_until(lambda: child.is_file() and child.read_text())
            return super().wait(timeout)

    monkeypatch.setattr("bounded.subprocess.Popen", Hanging)
    monkeypatch.setattr("bounded._GRACE_SECONDS", 1.0)
    monkeypatch.setattr("proving._REHEARSAL_FACTOR", 1)
    hangs = Step("hangs", 1, f'{{python}} -c "{HANGS}" {child}')
    row = run(stage_of(hangs, Step("good", 60, "{python} -c ''")), target)
    assert [step["verdict"] for step in row["steps"]] == ["stopped", "passed"]
    assert row["verdict"] == "stopped"
    assert alive_after([int(child.read_text())], seconds=60) == []


@pytest.mark.parametrize(
    ("code", "verdict", "why"), [(3, "passed", None), (0, "failed", "refused: exit code 0, not 3")]
)
def test_only_the_expected_exit_code_passes(target, code, verdict, why):
    row = run(stage_of(Step("refused", 60, f"{{python}} -c 'raise SystemExit({code})'", expects=3)), target)
    assert (row["verdict"], row["why"]) == (verdict, why)


def test_results_that_cannot_be_read_are_a_failure(target):
    row = run(stage_of(Step("empty", 60, "{python} -c ''", reads="kernel_errors")), target)
    assert row["verdict"] == "failed"
    assert "its results cannot be read: FileNotFoundError" in row["why"]


@pytest.mark.parametrize("code", [0, 1], ids=["in its results", "in its log"])
def test_a_cuda_library_at_fault_is_named_with_what_mends_it(target, code):
    """Far above the last lines of a log, or in the results of a benchmark whose own process ended well."""
    said = "/env/lib/python3.12/site-packages/vllm/_C.abi3.so: undefined symbol: _ZN3c104cuda"
    row = run(stage_of(Step("bad", 60, fails(said, code=code), reads="rollout_parts")), target)
    assert row["verdict"] == "failed"
    assert "torch lacks the symbol _ZN3c104cuda, which vllm's _C.abi3.so needs" in row["why"]
    assert "pip install --force-reinstall -c versions.txt torch vllm" in row["why"]


def fails(said, *, code):
    """Return a command that says so above 20 lines and ends with 1, or writes it as a part's failure."""
    lines = [
        "import json, pathlib, sys",
        "out = pathlib.Path(sys.argv[2]); out.mkdir(parents=True)",
        f"code = {code}",
        "text = json.dumps({'parts': {'vllm': {'failed': sys.argv[1]}}, 'ratios': {}})",
        "(out / 'h100-rollout.json').write_text(text) if code == 0 else print(sys.argv[1], *range(20), sep=chr(10))",
        "raise SystemExit(code)",
    ]
    return shlex.join(["{python}", "-c", "; ".join(lines).replace("{", "{{").replace("}", "}}"), said, "{out}"])


def test_a_stage_has_not_passed_before_its_last_step(target):
    """A call that is ended between two steps leaves a file whose stage `--resume` takes up again."""
    seen = []
    two = stage_of(Step("one", 60, "{python} -c ''"), Step("other", 60, "{python} -c ''"))
    row = prove(two, target, on_step=lambda row: seen.append(row["verdict"]))
    assert (seen, row["verdict"]) == (["unfinished", "passed"], "passed")


def test_a_missing_package_skips_by_name(target):
    row = run(stage_of(Step("good", 60, "{python} -c ''"), packages=["torch", "no-such-package"]), target)
    assert (row["verdict"], row["why"]) == ("skipped", "not installed: no-such-package")


def test_a_package_folder_counts_and_is_on_the_path(target, tmp_path):
    info = tmp_path / "packages" / "base" / "no_such_package-1.0.dist-info"
    info.mkdir(parents=True)
    (info.parent / "no_such_package.py").write_text("")
    there = replace(target, package_root=tmp_path / "packages")
    step = Step("imports", 60, "{python} -c 'import no_such_package'")
    assert run(stage_of(step, packages=["no-such-package"]), there)["verdict"] == "passed"


def test_a_budget_that_ends_starts_no_step(nvidia_smi, tmp_path):
    nvidia_smi()
    late = Target("cuda", find_card(), tmp_path, None, deadline=time.monotonic() + 5)
    row = run(stage_of(Step("long", 60, f"{sys.executable} -c ''")), late)
    assert row["verdict"] == "skipped"
    assert "s are left, and it may take 60" in row["why"]


def on_card(tmp_path):
    return Target("cuda", find_card(), tmp_path, None, deadline=time.monotonic() + 600)


def test_a_card_in_use_by_others_is_named_with_its_free_memory(nvidia_smi, tmp_path):
    nvidia_smi(free_mib=3072, processes=["4711, python, 20000 MiB"])
    row = run(stage_of(Step("good", 60, "{python} -c ''"), gib=12), on_card(tmp_path))
    assert row["why"] == "3.0 of 24.0 GiB are free, and it needs 12, used by 4711, python, 20000 MiB"


def test_a_card_too_small_says_what_it_would_need(nvidia_smi, tmp_path):
    nvidia_smi()
    row = run(stage_of(Step("good", 60, "{python} -c ''"), gib=40), on_card(tmp_path))
    assert row["why"] == "23.4 of 24.0 GiB are free, and it needs 40"


@pytest.mark.parametrize(
    ("card", "why"),
    [
        ({"driver": "535.183.01"}, "the driver is 535.183.01; CUDA 13 needs 580 or later"),
        ({"capability": "7.5"}, "compute capability 7.5 has no bf16; 8.0 or later has it"),
    ],
)
def test_a_card_that_leanrl_cannot_use_skips_with_the_reason(nvidia_smi, tmp_path, card, why):
    nvidia_smi(**card)
    row = run(stage_of(Step("good", 60, "{python} -c ''")), on_card(tmp_path))
    assert (row["verdict"], row["why"]) == ("skipped", why)
