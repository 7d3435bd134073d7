"""The shapes that are built in, against the models that transformers makes of them."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from leanrl.planner.models.known_models import KNOWN_MODELS, SIZED_MODELS, find_sized_model
from leanrl.simulate.fake_model import transformers_config

SHAPES = {shape: model_id for model_id, shape in KNOWN_MODELS.items()}


@pytest.mark.parametrize("shape", SHAPES, ids=SHAPES.values())
def test_parameters_of_the_real_class_on_the_meta_device(shape):
    """Weights without numbers: those of the whole model, embedding and head counted once where they are tied."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(transformers_config(shape))
    assert sum(weight.numel() for weight in model.parameters()) == shape.num_params


def test_every_known_model_has_a_longest_row():
    """Qwen's instruct models keep to 32,768 of the base's 131,072; its maths models take 4,096."""
    assert {model.model_id for model in SIZED_MODELS} == set(KNOWN_MODELS)
    assert len(SIZED_MODELS) == len(KNOWN_MODELS)
    tokens = {model.model_id: model.context_tokens for model in SIZED_MODELS}
    assert tokens["Qwen/Qwen2.5-7B"] == 4 * tokens["Qwen/Qwen2.5-7B-Instruct"] == 32 * tokens["Qwen/Qwen2.5-Math-7B"]
    assert min(tokens.values()) == 4096


def test_the_longest_row_of_a_model_of_ones_own(tmp_path):
    (tmp_path / "config.json").write_text(transformers_config(next(iter(SHAPES))).to_json_string())
    known = transformers_config(next(iter(SHAPES)))
    assert find_sized_model(str(tmp_path)).context_tokens == known.max_position_embeddings
