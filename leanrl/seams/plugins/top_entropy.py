"""The tokens at which the policy is least certain.

Axes: B completions of a micro-batch, T completion tokens.
"""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from leanrl.seams.registry import plugin

if TYPE_CHECKING:
    from torch import Tensor


@plugin("token_weights", "top_entropy")
def top_entropy(
    logprobs_B_T: "Tensor",
    sampled_logprobs_B_T: "Tensor",
    entropies_B_T: "Tensor",
    advantages_B_T: "Tensor",
    mask_B_T: "Tensor",
    *,
    share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.2,
) -> "Tensor":
    """Return 1 for the `share` of each completion's tokens with the highest entropy, 0 for the others.

    A completion of n tokens keeps max(1, round(share * n)) of them; of equal entropies the earlier token goes first.
    A NaN entropy counts as the lowest. The denominators count all tokens, so that the loss is `share` as large.

    The paper takes the quantile over a batch: a completion that is certain everywhere may keep nothing. Here each
    completion keeps its own fraction. The set is then the same for any cut into micro-batches and any number of ranks,
    and completions without an advantage cannot move the threshold. Those get weights as every other one: their loss is
    0.

    It saves no memory, and no time: every token has to be computed before its entropy is known.

    Args:
        share: of the tokens of a completion; 0.2 is the paper's.

    Source: arXiv 2506.01939.
    """
    import torch

    is_token_B_T = mask_B_T != 0
    lowest = torch.finfo(entropies_B_T.dtype).min
    keys_B_T = entropies_B_T.detach().nan_to_num(nan=lowest).masked_fill(~is_token_B_T, -torch.inf)
    order_B_T = keys_B_T.sort(dim=1, descending=True, stable=True).indices
    positions_B_T = torch.arange(keys_B_T.shape[1], device=keys_B_T.device).expand_as(order_B_T)
    ranks_B_T = torch.empty_like(order_B_T).scatter_(1, order_B_T, positions_B_T)
    num_kept_B_1 = (is_token_B_T.sum(dim=1, keepdim=True) * share).round().clamp(min=1)
    return ((ranks_B_T < num_kept_B_1) & is_token_B_T).to(entropies_B_T.dtype)
