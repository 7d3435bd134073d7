"""The parts of benchmarks/rollout/rollout.py that need vLLM, on a tiny model."""

from benchmarks.rollout import rollout_part


def test_an_adapters_syncs_and_ten_cycles_of_sleep():
    """Rank 32 on a layer of 64 x 64, two of 32 x 64 and one more, and an MLP of 128: bf16 numbers, two layers."""
    found = rollout_part.measure("vllm", "cpu", tiny=True, vram_gib=None)
    per_layer = 32 * (2 * (64 + 64) + 2 * (64 + 32) + 3 * (64 + 128))
    assert found["sync"]["bytes"] == 2 * 2 * per_layer
    assert all(found["generation"][weights]["tokens"] > 0 for weights in ("adapter", "base"))
    assert len(found["sleep"]["asleep_bytes"]) == len(found["sleep"]["awake_bytes"]) == 10
    assert found["sleep"]["level"] == "kv"


def test_syncs_of_full_weights():
    found = rollout_part.measure("full", "cpu", tiny=True, vram_gib=None)
    assert found["sync"]["what"] == "full weights"
    assert found["sync"]["bytes"] > 2 * 2 * 256 * 64  # embedding and head alone


def test_a_profile_names_what_an_adapter_takes_beside_the_base():
    """On a CPU vLLM gathers the adapter's rows for every token, by torch's indexing."""
    shares = rollout_part.measure("profile", "cpu", tiny=True, vram_gib=None)["operators"]
    assert shares["adapter"]["aten::index"] > shares["base"].get("aten::index", 0.0)
    assert all(0.5 < sum(of.values()) <= 1.01 for of in shares.values())
