"""What of a model's generation_config is kept beside saved weights: what transformers accepts, with all end tokens."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, GenerationConfig

from leanrl.errors import ConfigError
from leanrl.prompting.generation import generation_to_save, plain_generation, read_generation_fields, valid_generation
from leanrl.prompting.stopping import Stopping


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"temperature": 0.9, "top_p": 0.6}, {}),  # Llama 2 and Vicuna: neither was ever used
        ({"temperature": 0.9, "top_p": 0.6, "do_sample": True}, {"temperature": 0.9, "top_p": 0.6, "do_sample": True}),
        ({"temperature": 0.9, "max_length": 4096, "bos_token_id": 1}, {"max_length": 4096, "bos_token_id": 1}),
        ({"early_stopping": "soon", "repetition_penalty": 1.1}, {"repetition_penalty": 1.1}),
        ({"num_return_sequences": 4}, {}),
        ({"num_return_sequences": 4, "do_sample": True}, {"num_return_sequences": 4, "do_sample": True}),
        ({"length_penalty": 2.0, "num_beams": 4}, {"length_penalty": 2.0, "num_beams": 4}),
        ({"length_penalty": 2.0}, {}),
        ({"max_new_tokens": 0, "cache_implementation": "none of these"}, {}),
        ({"max_new_tokens": "many"}, {}),
        ({"a_key_of_mine": "kept"}, {"a_key_of_mine": "kept"}),
    ],
)
def test_fields_that_transformers_would_not_save_are_left_out(tmp_path: Path, fields, kept) -> None:
    config = valid_generation(fields)
    config.save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "generation_config.json").read_text())
    assert {name: value for name, value in saved.items() if name != "transformers_version"} == kept


def test_all_end_tokens_and_a_pad_token_in_the_embedding_are_written(tiny_model: Path, tmp_path: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    model.generation_config = GenerationConfig(eos_token_id=0, pad_token_id=9999, bos_token_id=1, top_k=7)
    generation_to_save(model, Stopping((2, 0), 0)).save_pretrained(tmp_path)
    saved = GenerationConfig.from_pretrained(tmp_path)
    assert (saved.eos_token_id, saved.pad_token_id, saved.bos_token_id, saved.top_k) == ([2, 0], 0, 1, None)
    assert generation_to_save(model, Stopping((2,), 0)).eos_token_id == 2
    assert generation_to_save(model, Stopping((), 0)).eos_token_id is None


def test_greedy_generation_asks_for_nothing_that_samples() -> None:
    greedy = plain_generation(Stopping((2,), 0), max_new_tokens=4, temperature=0)
    greedy.validate(strict=True)
    assert (greedy.do_sample, greedy.temperature, greedy.eos_token_id) == (False, None, [2])


@pytest.mark.parametrize("text", ["{", "[1]", "\xff"])
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "generation_config.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=str(file)):
        read_generation_fields(file)
