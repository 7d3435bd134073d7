"""Rotary embeddings that depend on the length of rows run without numbers, and take the bytes of the plain one."""

import json

import pytest

from leanrl.config.load import load_config
from leanrl.simulate.run import simulate_run
from tests.planner.sample_runs import SMALL_STEP

SIZES = {
    "num_hidden_layers": 2, "hidden_size": 128, "intermediate_size": 320, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 512, "max_position_embeddings": 4096, "pad_token_id": 0,
    "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
# Heads of 32 numbers have 16 frequencies. A step's rows of 2048 tokens are longer than the original 512.
FACTORS = {"long_factor": [2.0] * 16, "short_factor": [1.0] * 16}
ROTATIONS = {
    "longrope": FACTORS | {"original_max_position_embeddings": 512},
    "dynamic": {"factor": 2.0},
    "yarn": {"factor": 4.0, "original_max_position_embeddings": 512},
    "linear": {"factor": 2.0},
}


def peak_of(folder, **config):
    (folder / "config.json").write_text(json.dumps({**SIZES, **config}))
    values = SMALL_STEP | {"model.id": folder, "model.tuning.method": "lora"}
    return simulate_run(load_config("plain", [f"{key}={value}" for key, value in values.items()]).config).peak.bytes


@pytest.mark.parametrize("family", ["phi3", "llama"])
def test_rotations_by_length(family, tmp_path):
    plain = peak_of(tmp_path, model_type=family)
    # Phi-3's own config knows longrope alone.
    names = ["longrope"] if family == "phi3" else list(ROTATIONS)
    for name in names:
        more = {"original_max_position_embeddings": 512} if name == "longrope" else {}
        scaled = peak_of(tmp_path, model_type=family, rope_scaling={"type": name, **ROTATIONS[name]}, **more)
        assert scaled == pytest.approx(plain, rel=1e-3), name
