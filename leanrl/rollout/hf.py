"""Completions from transformers' own generate."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from leanrl.types import Message

Prompt = list[Message] | str

# What a model's own generation_config would otherwise add: instruct models of Qwen2.5 penalise repetition, and
# their scores would be scores of the penalty too.
PLAIN_GENERATION = {
    "num_beams": 1,
    "repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "typical_p": 1.0,
    "min_p": None,
}


def prompt_ids(tokenizer: PreTrainedTokenizerBase, prompt: Prompt) -> list[int]:
    """Return the tokens a prompt is asked with: through the chat template, or as plain text."""
    if isinstance(prompt, str):
        return tokenizer(prompt)["input_ids"]
    return tokenizer.apply_chat_template(prompt, add_generation_prompt=True, tokenize=True, return_dict=True)[
        "input_ids"
    ]


@contextmanager
def generating(model: PreTrainedModel) -> Iterator[None]:
    """Switch dropout off, and give the head its hidden states in one piece.

    The last token's of every row of a prompt lie apart; torch's kernels for a CPU then copy a frozen head for each row.
    """
    was_training = model.training
    model.eval()
    hook = model.get_output_embeddings().register_forward_pre_hook(_in_one_piece)
    try:
        yield
    finally:
        hook.remove()
        model.train(was_training)


def _in_one_piece(_: nn.Module, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
    return (inputs[0].contiguous(),)


@torch.no_grad()
def complete(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Prompt],
    *,
    max_completion_tokens: int,
    temperature: float,
    batch_size: int,
) -> Iterator[str]:
    """Yield one completion per prompt, in order; temperature 0 is greedy."""
    sampling = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
    if temperature == 0:
        sampling = {"do_sample": False, "temperature": None, "top_k": None, "top_p": None}
    with generating(model):
        for start in range(0, len(prompts), batch_size):
            ids = [prompt_ids(tokenizer, prompt) for prompt in prompts[start : start + batch_size]]
            batch = tokenizer.pad({"input_ids": ids}, padding_side="left", return_tensors="pt").to(model.device)
            output = model.generate(
                **batch,
                **PLAIN_GENERATION,
                **sampling,
                max_new_tokens=max_completion_tokens,
                pad_token_id=tokenizer.pad_token_id,
            )
            completions = output[:, batch["input_ids"].shape[1] :]
            yield from tokenizer.batch_decode(completions, skip_special_tokens=True)
