"""Completions from transformers' own generate."""

from collections.abc import Iterator, Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from leanrl.types import Message

Prompt = list[Message] | str


def prompt_ids(tokenizer: PreTrainedTokenizerBase, prompt: Prompt) -> list[int]:
    """Return the tokens a prompt is asked with: through the chat template, or as plain text."""
    if isinstance(prompt, str):
        return tokenizer(prompt)["input_ids"]
    return tokenizer.apply_chat_template(prompt, add_generation_prompt=True, tokenize=True, return_dict=True)[
        "input_ids"
    ]


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
    # top_k and top_p override what a model's own generation_config carries.
    sampling = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
    if temperature == 0:
        sampling = {"do_sample": False, "temperature": None, "top_k": None, "top_p": None}
    was_training = model.training
    model.eval()
    try:
        for start in range(0, len(prompts), batch_size):
            ids = [prompt_ids(tokenizer, prompt) for prompt in prompts[start : start + batch_size]]
            batch = tokenizer.pad({"input_ids": ids}, padding_side="left", return_tensors="pt").to(model.device)
            output = model.generate(
                **batch,
                **sampling,
                max_new_tokens=max_completion_tokens,
                pad_token_id=tokenizer.pad_token_id,
            )
            completions = output[:, batch["input_ids"].shape[1] :]
            yield from tokenizer.batch_decode(completions, skip_special_tokens=True)
    finally:
        model.train(was_training)
