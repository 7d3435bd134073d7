"""A fingerprint of a model's files changes with its config, its weights and its tokenizer, each by itself."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from leanrl.models.weights.fingerprint import model_fingerprint
from tests.tiny_model import make_tiny_model


@pytest.fixture
def folder(tmp_path):
    return make_tiny_model(tmp_path / "tiny")


def _changed(before, after):
    return [part for part in before if before[part] != after[part]]


def test_other_weights_of_the_same_shapes_change_one_hash(folder):
    before = model_fingerprint(folder)
    assert model_fingerprint(folder) == before
    weights = load_file(folder / "model.safetensors")
    name = next(name for name, weight in weights.items() if weight.dim() == 2)
    weights[name][0, 0] += 1.0
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert _changed(before, model_fingerprint(folder)) == ["weights"]


def test_config_and_tokenizer_have_a_hash_each(folder):
    before = model_fingerprint(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"transformers_version": "0"}))
    assert model_fingerprint(folder) == before  # transformers writes its version whenever it saves
    (folder / "config.json").write_text(json.dumps(config | {"rms_norm_eps": 0.5}))
    assert _changed(before, model_fingerprint(folder)) == ["config"]
    with (folder / "tokenizer.json").open("a") as file:
        file.write("\n")
    assert _changed(before, model_fingerprint(folder)) == ["config", "tokenizer"]


def test_a_tensor_shorter_than_what_is_read_ends_where_it_ends(tmp_path):
    """The numbers behind a short tensor are those of the next one: they count once, under its name."""
    (tmp_path / "config.json").write_text("{}")
    save_file({"a": torch.zeros(2), "b": torch.zeros(2)}, tmp_path / "model.safetensors")
    before = model_fingerprint(tmp_path)["weights"]
    save_file({"a": torch.zeros(2), "c": torch.zeros(2)}, tmp_path / "model.safetensors")
    assert model_fingerprint(tmp_path)["weights"] != before
