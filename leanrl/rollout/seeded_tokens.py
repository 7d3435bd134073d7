"""Tokens of a batch in transformers' generate, each row drawn by a seed of its own.

B rows, V tokens of the vocabulary, W tokens so far.
"""

import random
from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import LogitsProcessor

from leanrl.rollout.streams.picking import pick_tokens


class SeededTokens(LogitsProcessor):  # type: ignore[misc]  # transformers has no types
    """Leaves one token of each row: the one that the row's own generator draws. No other random state is touched.

    Args:
        seeds: one a row.
        temperature: 0 leaves the likeliest token.
        top_p: nucleus sampling; 1 is off.
    """

    def __init__(self, seeds: Sequence[int], *, temperature: float, top_p: float) -> None:
        self._uniforms = [random.Random(seed) for seed in seeds]
        self._temperature = temperature
        self._top_p = top_p

    def __call__(self, input_ids_B_W: Tensor, logits_B_V: Tensor) -> Tensor:
        uniforms_B = torch.tensor([row.random() for row in self._uniforms], device=logits_B_V.device)
        picked_B = pick_tokens(logits_B_V, uniforms_B, temperature=self._temperature, top_p=self._top_p)
        return torch.full_like(logits_B_V, -torch.inf).scatter_(1, picked_B[:, None], 0.0)
