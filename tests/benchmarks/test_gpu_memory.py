"""memory/gpu_memory.py where there is no GPU: the same code on a tiny shape, and what is skipped and compared."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from benchmarks.memory import gpu_memory, gpu_memory_row
from benchmarks.memory.gpu_memory_row import GIB, Expected, Row, expect, measure

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "memory" / "gpu_memory.py"

CPU = torch.device("cpu")
NEEDS_BITSANDBYTES = pytest.mark.skipif(find_spec("bitsandbytes") is None, reason="bitsandbytes is not installed")


def test_the_rows_are_those_of_the_facts():
    """Three methods, one and six rows, tiled and whole logits, with and without checkpointing; no name twice."""
    assert {row.method for row in gpu_memory.ROWS} == {"full", "lora", "qlora"}
    assert {row.micro_batch for row in gpu_memory.ROWS} == {1, 6}
    assert {row.head for row in gpu_memory.ROWS} == {"tiled", "naive"}
    assert {row.checkpointing for row in gpu_memory.ROWS} == {True, False}
    assert len({row.name for row in gpu_memory.ROWS}) == len(gpu_memory.ROWS)


@pytest.mark.parametrize("name", ["full, tiled head, 6 rows", "full, whole logits, 1 row"])
def test_a_row_is_planned_with_gradients_that_wait_for_the_second_micro_batch(name):
    """1.777 B parameters in bf16: weights, gradients and two moments of 3.31 GiB each when the weights are updated."""
    row = next(row for row in gpu_memory.ROWS if row.name == name)
    expected = expect(row, device="cuda", tiny=False)
    assert list(expected.phases) == ["load", "forward_backward", "optimizer_step"]
    assert expected.phases["load"] == 2 * 1_777_088_000
    assert expected.phases["optimizer_step"] == 8 * 1_777_088_000
    assert row.config(tiny=False).micro_batches_per_step == 2
    assert expected.upper_bytes > expected.peak_bytes == expected.phases["forward_backward"]


@pytest.mark.parametrize(
    "row",
    [
        Row("full", "full", 6),
        Row("full, whole logits", "full", 1, head="naive"),
        Row("LoRA, no checkpointing", "lora", 6, checkpointing=False),
        pytest.param(Row("QLoRA", "qlora", 1), marks=NEEDS_BITSANDBYTES),
    ],
    ids=lambda row: row.name,
)
def test_a_row_runs_on_a_cpu(row):
    """Every row's own code: the model is built, two steps are taken, every phase has a peak."""
    found = measure(row, "cpu", tiny=True, vram_gib=None)
    assert "resident" in found["source"]
    assert [phase["name"] for phase in found["phases"]] == ["load", "forward_backward", "optimizer_step"]
    for phase in found["phases"]:
        assert phase["allocated_bytes"] > 100 * 2**20
        assert phase["driver_used_bytes"] is None


def test_whole_logits_score_what_the_tiled_head_scores():
    """The same weights and rows: both heads leave the same gradients, but for bf16."""
    gradients = {}
    for head in ("tiled", "naive"):
        torch.manual_seed(0)
        row = Row("any", "full", 2, head=head)
        model = gpu_memory_row.build(row, CPU, gauge=None, tiny=True)
        rows = gpu_memory_row.longest_rows(row, CPU, tiny=True)
        gpu_memory_row.add_gradients(row, model, rows, gpu_memory_row.TINY_TOKENS[1])
        gradients[head] = torch.cat([weight.grad.flatten().float() for weight in model.parameters()])
    difference = (gradients["tiled"] - gradients["naive"]).norm() / gradients["tiled"].norm()
    assert difference < 0.02


def test_the_script_writes_command_commit_versions_and_rows(tmp_path):
    command = ["--device", "cpu", "--tiny", "--rows", "^LoRA, tiled head, 1 row|^QLoRA", "--seconds", "0.5"]
    _run(*command, "--out", tmp_path)
    (path,) = tmp_path.iterdir()
    assert path.name.endswith("-gpu-memory-tiny.json")
    written = json.loads(path.read_text())
    assert "benchmarks/memory/gpu_memory.py --device cpu --tiny" in written["command"]
    assert written["machine"]["versions"].keys() >= {"torch", "transformers", "peft"}
    assert "commit" in written["machine"]
    assert written["gpu"] is None
    assert written["not_run"] == [row["name"] for row in written["rows"]]
    assert len(written["rows"]) == 3
    assert all("skipped" in row and "planned_bytes" in row for row in written["rows"])


def test_a_row_in_a_process_of_its_own(tmp_path):
    done = _run("--device", "cpu", "--tiny", "--rows", "^LoRA, tiled head, 1 row", "--out", tmp_path)
    (path,) = tmp_path.iterdir()
    (row,) = json.loads(path.read_text())["rows"]
    assert [phase["name"] for phase in row["phases"]] == ["load", "forward_backward", "optimizer_step"]
    assert "plan_error" not in row  # a CPU's bytes are another matter
    assert "| LoRA, tiled head, 1 row | forward_backward |" in done.stdout


def test_a_dry_run_plans_and_runs_nothing(tmp_path):
    done = _run("--dry-run", "--vram", "24", "--out", tmp_path)
    assert "full, no checkpointing, 6 rows: skipped: planned at 26" in done.stdout
    assert "LoRA, tiled head, 6 rows: planned at" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_cpu_is_refused_the_real_shape(tmp_path):
    done = _run("--device", "cpu", "--out", tmp_path, code=2)
    assert "add --tiny" in done.stderr


@pytest.mark.parametrize(
    ("limit_gib", "left", "seen", "why"),
    [
        (24, 500, [], None),
        (None, 500, [], None),
        (8, 500, [], "planned at 10.0 GiB, of 8.0 GiB"),
        (24, 50, [], "50 s are left, and a row has taken 60 s"),
        (24, 50, [{"seconds": 20.0}, {"seconds": 30.0}], None),
        (24, 25, [{"seconds": 20.0}, {"seconds": 30.0}], "25 s are left, and a row has taken 30 s"),
    ],
)
def test_what_is_skipped(limit_gib, left, seen, why):
    expected = Expected({"forward_backward": 10 * GIB}, 12 * GIB)
    limit = None if limit_gib is None else limit_gib * GIB
    row = Row("any", "lora", 6)
    assert gpu_memory.why_skipped(row, expected, limit_bytes=limit, left_seconds=left, found=seen) == why


def test_the_plans_error_is_what_it_says_too_much():
    """11 planned for 10 measured is 10 % too much; an upper estimate of 14 leaves 1 above the driver's 13."""
    expected = Expected({"load": 11 * GIB}, 14 * GIB)
    measured = {
        "name": "load",
        "allocated_bytes": 10 * GIB,
        "reserved_bytes": 12 * GIB,
        "driver_used_bytes": 13 * GIB,
    }
    described = gpu_memory.describe(Row("any", "full", 1), expected, {"phases": [measured]}, is_compared=True)
    assert described["plan_error"] == {"load": 0.1}
    assert described["upper_minus_driver_used_bytes"] == GIB


def _run(*arguments, code=0):
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == code, done.stderr
    return done
