"""The command: what it writes, what it keeps of an earlier call, and its last line."""

import json
import subprocess
import sys

import pytest
from proof import kept_rows, last_line, writer
from proving import Target
from readings import READERS
from stages import chosen, read_stages, words_for

from tests.gpu_proof.conftest import ROOT

PASSED = {"name": "kernels", "verdict": "passed", "why": None, "steps": []}
FAILED = {"name": "vllm", "verdict": "failed", "why": "generation: exit code 1, not 0", "steps": []}
SKIPPED = {"name": "unsloth", "verdict": "skipped", "why": "not installed: unsloth", "steps": []}
HEAD = {"commit": "abc", "is_rehearsal": False, "card": {"name": "NVIDIA H100"}}


def test_without_a_card_it_says_so_and_ends_with_5():
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/gpu/proof.py"], capture_output=True, text=True, env={"PATH": "/nowhere"}
    )
    assert done.returncode == 5
    assert done.stderr == "no NVIDIA GPU that nvidia-smi lists; `scripts/gpu_proof --rehearse` runs on a CPU.\n"


def test_a_later_call_keeps_what_passed(tmp_path):
    file = writer(tmp_path / "x-gpu-proof.json", HEAD)([PASSED, FAILED, SKIPPED])
    assert list(kept_rows(file, HEAD)) == ["kernels"]


@pytest.mark.parametrize(
    ("other", "named"),
    [({"commit": "def"}, "commit"), ({"card": {"name": "NVIDIA H200"}}, "card"), ({"is_rehearsal": True}, "rehearsal")],
)
def test_a_file_of_another_commit_or_card_is_refused(tmp_path, other, named):
    file = writer(tmp_path / "x-gpu-proof.json", HEAD | other)([PASSED])
    with pytest.raises(SystemExit, match=named):
        kept_rows(file, HEAD)


def test_the_file_holds_every_row_so_far_and_is_never_half_written(tmp_path):
    write = writer(tmp_path / "x-gpu-proof.json", HEAD)
    write([PASSED])
    assert json.loads(write([PASSED, FAILED]).read_text()) == HEAD | {"stages": [PASSED, FAILED]}
    assert [file.name for file in tmp_path.iterdir()] == ["x-gpu-proof.json"]


def test_the_last_line_is_go_or_what_is_wrong(tmp_path):
    here = Target("cpu", None, tmp_path, None, deadline=0)
    assert last_line([PASSED], here) == "go: rehearsed on a CPU"
    assert last_line([PASSED, SKIPPED], here) == ("go: rehearsed on a CPU; not tried: unsloth (not installed: unsloth)")
    assert last_line([PASSED, FAILED], here) == "not ready: vllm: generation: exit code 1, not 0"


def test_every_step_has_a_command_and_a_reader_that_is_there(tmp_path):
    for device in ("cuda", "cpu"):
        words = words_for(device=device, card="h100", seconds=60, out=tmp_path, runs=tmp_path, python="python3")
        for stage in read_stages():
            for step in stage.steps:
                assert step.command(words, is_rehearsal=device == "cpu")[0] == "python3"
                assert step.reads is None or step.reads in READERS


def test_the_quick_stages_end_in_three_minutes_but_for_a_cold_start():
    """Bounds, not times: what is killed then. vLLM's first start on a machine compiles for a minute or two."""
    quick = chosen(read_stages(), [], is_quick=True)
    bounds = {stage.name: sum(step.seconds for step in stage.steps) for stage in quick}
    assert list(bounds) == ["kernels", "memory", "vllm"]
    assert sum(bounds.values()) <= 330
