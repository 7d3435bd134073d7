"""A token-level algorithm of one's own: only the tokens behind `</think>` are trained.

    leanrl train -p single-gpu-lora --plugin examples/answer_tokens.py \
        -s algorithm.credit_tokens.name=answer_tokens -s 'algorithm.credit_tokens.closing_ids=[151649]'

A plug-in of the seam `credit_tokens` is called with a finished group and its advantages, and returns what the tokens of
each completion are worth. Options are keyword-only parameters. docs/algorithms.md lists the other seams.
"""

from leanrl.seams.protocols import Group, TokenCredit
from leanrl.seams.registry import plugin


@plugin("credit_tokens", "answer_tokens")
def answer_tokens(group: Group, advantages_G, *, closing_ids: list[int]) -> list[TokenCredit]:
    """Return weight 0 for the tokens up to the closing tag, 1 behind it; 0 for all where it is missing.

    Args:
        closing_ids: the token ids of the tag; 151649 is that of `</think>` in DeepSeek-R1-Distill-Qwen.
    """
    import torch

    credits = []
    for ids in group.completion_ids_G:
        weights_T = torch.zeros(len(ids))
        weights_T[_end_of(closing_ids, list(ids)) :] = 1.0
        credits.append(TokenCredit(weights_T=weights_T))
    return credits


def _end_of(tag: list[int], ids: list[int]) -> int:
    found = (end for end in range(len(tag), len(ids) + 1) if ids[end - len(tag) : end] == tag)
    return next(found, len(ids))
