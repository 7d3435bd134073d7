"""A random model of a row of the table, saved with a tokenizer."""

from pathlib import Path
from typing import Any

import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, GenerationConfig, PreTrainedConfig

from tests.families.family import Family
from tests.tiny_model import make_tiny_tokenizer


def tiny_config(family: Family) -> PreTrainedConfig:
    """Return the row's config for the tests' tokenizer, also where the text model is a part of it."""
    tokenizer = make_tiny_tokenizer()
    ids = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    text: dict[str, Any] = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id, **ids}
    settings = dict(family.settings)
    if "text_config" not in settings:
        return CONFIG_MAPPING[family.model_type](**text | settings)
    return CONFIG_MAPPING[family.model_type](**ids | settings | {"text_config": text | settings["text_config"]})


def make_tiny_family(folder: Path, family: Family, *, seed: int = 0) -> Path:
    """Write the model, whose norms and biases are random too, and its tokenizer; return the folder.

    At their initial values a norm that is skipped, or a bias that is lost, would change nothing.
    """
    config = tiny_config(family)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config)
        for weight in model.parameters():
            if weight.dim() == 1:
                weight.data += 0.1 * torch.randn_like(weight)
    model.generation_config = GenerationConfig(bos_token_id=1, eos_token_id=2, pad_token_id=0)
    model.save_pretrained(folder)
    make_tiny_tokenizer().save_pretrained(folder)
    return folder
