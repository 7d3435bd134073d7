"""A random causal language model small enough for a unit test, saved with its tokenizer."""

from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

PAD = "<|endoftext|>"
TURN_START = "<|im_start|>"
TURN_END = "<|im_end|>"
BOX = r"\boxed{"

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

# head_dim is 64 / 2 = 32: vLLM's CPU attention refuses 16.
_SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 512,
    # 0.02 would leave every next token almost equally likely, and greedy answers at the mercy of rounding.
    "initializer_range": 0.1,
}


def make_tiny_model(folder: Path, *, family: str = "llama", seed: int = 0, vocab_size: int | None = None) -> Path:
    """Write a random two-layer model and its tokenizer to `folder`, and return the folder.

    `family` is "llama" (head tied to the embedding, as SmolLM2) or "qwen2" (untied head and biases in
    q, k, v, as the 1.5B model of Open-RS). The vocabulary holds every byte, `\\boxed{` as one token, and
    the three special tokens; `<|im_end|>` ends a turn. `vocab_size` adds rows that no token uses.
    """
    tokenizer = make_tiny_tokenizer()
    ids = {
        "vocab_size": vocab_size or len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if family == "llama":
            model = LlamaForCausalLM(LlamaConfig(**_SHAPE, **ids, tie_word_embeddings=True))
        elif family == "qwen2":
            model = Qwen2ForCausalLM(Qwen2Config(**_SHAPE, **ids, tie_word_embeddings=False))
        else:
            raise ValueError(f"family is {family!r}; it must be 'llama' or 'qwen2'.")
    model.generation_config = GenerationConfig.from_model_config(model.config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_tiny_tokenizer() -> PreTrainedTokenizerFast:
    """Return a byte-level tokenizer without merges, with a chat template and `\\boxed{` as one token.

    `\\boxed{` is an added token: transformers gives a Qwen2 model Qwen2's pre-tokenizer whatever the file
    says, and a merge would then apply in some places and not in others.
    """
    pieces = [PAD, TURN_START, TURN_END, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE(vocab={piece: number for number, piece in enumerate(pieces)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in (PAD, TURN_START, TURN_END)])
    tokenizer.add_tokens([AddedToken(BOX, normalized=False)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=TURN_START, eos_token=TURN_END, pad_token=PAD, model_max_length=512
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast
