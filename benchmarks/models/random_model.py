"""A model of random weights at a real shape, written to a folder with a tokenizer; nothing comes from the network."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from benchmarks.memory.gpu_memory_row import model_shape
from leanrl.models.locate import LocatedModel
from leanrl.simulate.fake_model import transformers_config

SEED = 7


def write_random_model(folder: Path, *, device: str, dtype: str, tiny: bool) -> LocatedModel:
    """Write the 1.5B shape, or two layers of it, to `folder`; `device` only draws the weights."""
    with torch.device(device):
        torch.manual_seed(SEED)
        config = transformers_config(model_shape(tiny=tiny))
        AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype)).save_pretrained(folder)
    _tokenizer_of_bytes().save_pretrained(folder)
    return LocatedModel(str(folder), None, "folder")


def _tokenizer_of_bytes() -> PreTrainedTokenizerFast:
    """Return a tokenizer that a model of random weights can have: bytes, an end, and padding that ends no answer."""
    pieces = ["<end>", "<pad>", *sorted(pre_tokenizers.ByteLevel.alphabet())[:-2]]
    tokenizer = Tokenizer(models.BPE(vocab={piece: number for number, piece in enumerate(pieces)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", pad_token="<pad>")
