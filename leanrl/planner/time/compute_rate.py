"""Fractions of a card's rates that such work reaches."""

import math
from itertools import pairwise

from leanrl.planner.machine.cards import Card
from leanrl.planner.workload import Workload

# The fraction of the data sheet's bandwidth that is reached.
BANDWIDTH_SHARE = 0.8
# Fractions of the bf16 rate by the tokens of a pass. LoRA of Qwen-7B on an A100 (QwenLM/Qwen, README) reaches 23 % at
# 256 tokens, 41 % at 1024 and 50 % at 8192; torchtune's 3B recipes 50 to 66 %.
_COMPUTE_SHARES = ((256, 0.25), (1024, 0.40), (2048, 0.50))


def flops_per_second(workload: Workload, card: Card, *, tokens: float) -> float:
    """Operations a second in passes of so many tokens.

    A CPU has few units to fill: its rate does not depend on the tokens of a pass.
    """
    share = compute_share(math.inf if workload.on_cpu else tokens)
    return card.flops(workload.compute_bytes) * share


def compute_share(tokens: float) -> float:
    """Return the fraction of the bf16 rate that passes of so many tokens reach, linear in their logarithm."""
    (first, least), *_, (last, most) = _COMPUTE_SHARES
    if tokens <= first:
        return least
    if tokens >= last:
        return most
    (low, below), (high, above) = next(pair for pair in pairwise(_COMPUTE_SHARES) if tokens <= pair[1][0])
    return below + (above - below) * math.log(tokens / low) / math.log(high / low)
