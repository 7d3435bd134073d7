"""What unsloth's loader is told; none of it needs unsloth."""

import pytest

from leanrl.config.load import load_config
from leanrl.models.unsloth import checkpointing


@pytest.mark.parametrize(
    ("checkpoints", "offloads", "word"),
    [("false", "false", False), ("true", "false", True), ("true", "true", "unsloth")],
)
def test_layer_inputs_are_kept_as_they_are_asked_for(checkpoints, offloads, word):
    keys = {"gradient_checkpointing": checkpoints, "offload_activations": offloads}
    loaded = load_config("single-gpu-lora-unsloth", [f"train.{key}={value}" for key, value in keys.items()])
    assert checkpointing(loaded.config) == word
