"""Completions from transformers' own generate."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from leanrl.prompting.generation import plain_generation, without_own_generation
from leanrl.prompting.rendering import Prompt, completion_texts, prompt_ids
from leanrl.prompting.stopping import Stopping


@contextmanager
def generating(model: PreTrainedModel) -> Iterator[None]:
    """Switch dropout off, hide the model's own generation_config, and give the head its hidden states in one piece.

    The last token's of every row of a prompt lie apart; torch's kernels for a CPU then copy a frozen head for each row.
    """
    was_training = model.training
    model.eval()
    hook = model.get_output_embeddings().register_forward_pre_hook(_in_one_piece)
    try:
        with without_own_generation(model):
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
    stopping: Stopping,
    template_kwargs: Mapping[str, Any],
    max_completion_tokens: int,
    temperature: float,
    batch_size: int,
) -> Iterator[str]:
    """Yield one completion per prompt, in order, each cut at its end token; temperature 0 is greedy."""
    generation = plain_generation(stopping, max_new_tokens=max_completion_tokens, temperature=temperature)
    with generating(model):
        for start in range(0, len(prompts), batch_size):
            ids = [prompt_ids(tokenizer, prompt, template_kwargs) for prompt in prompts[start : start + batch_size]]
            input_ids, mask = pad_left(ids, stopping.pad_id, model.device)
            output = model.generate(input_ids=input_ids, attention_mask=mask, generation_config=generation)
            completions = [stopping.cut(tokens) for tokens in output[:, input_ids.shape[1] :].tolist()]
            yield from completion_texts(tokenizer, completions)


def pad_left(prompts: Sequence[list[int]], pad_id: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return prompts of different lengths as one batch with its attention mask, both with padding on the left."""
    width = max(len(prompt) for prompt in prompts)
    ids = [[pad_id] * (width - len(prompt)) + prompt for prompt in prompts]
    mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)
