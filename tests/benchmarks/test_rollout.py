"""rollout/rollout.py without vLLM: its generation on a tiny model, and what it makes of the parts' numbers."""

import json
import sys

import pytest

from benchmarks.rollout import rollout, rollout_part
from leanrl.planner.memory.weights import trained_params
from leanrl.planner.models.known_models import find_shape
from leanrl.planner.workload import workload_of


def generation(**speeds):
    """Return what a part says of its generation: tokens a second by the clock and by the processor's."""
    names = ("tokens_per_second", "tokens_per_cpu_second")
    return {weights: dict(zip(names, pair, strict=True)) for weights, pair in speeds.items()}


FOUND = {
    "hf": {"generation": generation(adapter=(40.0, 50.0), base=(60.0, 64.0))},
    "vllm": {
        "generation": generation(adapter=(100.0, 110.0), base=(180.0, 192.0)),
        "sync": {"what": "adapter", "bytes": 73_859_072, "median_ms": 20.0},
        "sleep": {"level": "kv", "asleep_bytes": [5, 6], "growth_asleep_bytes": 1},
    },
    "full": {"sync": {"what": "full weights", "bytes": 3_554_176_000, "median_ms": 250.0}},
    "shared": {"skipped": "not on a CPU"},
}


def test_ratios():
    """An adapter of 36,929,536 numbers against 1,777,088,000, both of 2 bytes: 2.08 %."""
    assert rollout.compare(FOUND) == {
        "vllm_over_hf_adapter_tokens_per_second": 2.5,
        "vllm_over_hf_adapter_tokens_per_cpu_second": 2.2,
        "vllm_over_hf_base_tokens_per_second": 3.0,
        "vllm_over_hf_base_tokens_per_cpu_second": 3.0,
        "adapter_share_of_full_bytes": 0.0208,
        "full_over_adapter_ms": 12.5,
    }
    assert rollout.compare({"hf": FOUND["hf"], "vllm": {"failed": "exit code 1"}}) == {}


def test_the_bytes_of_the_ratios_are_those_of_the_card_run():
    """1.5B, rank 32 on all linear layers."""
    shape = find_shape(rollout_part.LARGE_MODEL)
    workload = workload_of(rollout_part.run_config("vllm", "cuda", tiny=False), shape)
    assert 2 * trained_params(shape, workload) == FOUND["vllm"]["sync"]["bytes"]
    assert 2 * shape.num_params == FOUND["full"]["sync"]["bytes"]


def test_tables_leave_single_readings_out():
    tables = rollout.tables(FOUND, {})
    assert tables["sleep"] == [{"level": "kv", "growth_asleep_bytes": 1}]
    assert [row["part"] for row in tables["sync"]] == ["vllm", "full"]
    assert [(row["engine"], row["weights"]) for row in tables["generation"]][1:3] == [
        ("hf", "base"),
        ("vllm", "adapter"),
    ]
    assert "ratios" not in tables


@pytest.mark.parametrize("part", rollout.PARTS)
def test_every_part_is_a_run_that_leanrl_would_take(part):
    config = rollout_part.run_config(part, "cuda", tiny=False)
    assert config.rollout.engine == "vllm-colocate"
    assert config.model.tuning.method == ("full" if part == "full" else "lora")
    assert config.rollout.share_base is (part == "shared")
    assert config.rollout.sleep_level == (1 if part == "sleep-1" else "kv")


def test_generation_is_measured_on_a_cpu():
    found = rollout_part.measure("hf", "cpu", tiny=True, vram_gib=None)["generation"]
    for weights in ("adapter", "base"):
        assert found[weights]["completions"] == 2
        assert 2 <= found[weights]["tokens"] <= 16
        assert found[weights]["tokens_per_second"] > 0


def test_a_part_that_fails_says_why(tmp_path, monkeypatch):
    script = tmp_path / "part.py"
    script.write_text("raise SystemExit('no memory')")
    monkeypatch.setattr(rollout, "PART_SCRIPT", script)
    arguments = ["--device", "cpu", "--parts", "full", "shared", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["rollout.py", *arguments])
    rollout.main()
    (written,) = tmp_path.glob("*.json")
    parts = json.loads(written.read_text())["parts"]
    assert parts["full"]["failed"] == "exit code 1: no memory"
    assert parts["shared"] == {"skipped": "not on a CPU"}
