"""The attention that a GPU would run, on fake tensors of the CPU.

Plain `sdpa` on a CPU tensor takes the CPU's own kernel, which saves other tensors than the CUDA one. Calling the
CUDA operator by name makes fake tensors of the sizes that it returns.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

# No part of it may be "flash": transformers would look for a kernel of that name.
NAME = "simulated_cuda"


def register() -> None:
    """Make the attention known to transformers as `NAME`; no mask is ever built for it (D14)."""
    AttentionInterface.register(NAME, _attend)


def backward_bytes(grad: Tensor, query_B_N_S_D: Tensor, key_B_K_S_D: Tensor, *_: Any, **__: Any) -> int:
    """Return what the CUDA backward holds beside its results.

    The gradient of the queries is summed in fp32, and where key-value heads are shared the gradients of keys and
    values are first written for every query head (mha_bwd in aten/src/ATen/native/transformers/cuda/flash_attn).
    Known from that source, not measured.
    """
    shared_heads = query_B_N_S_D.shape[1] != key_B_K_S_D.shape[1]
    expanded = 2 * query_B_N_S_D.numel() * query_B_N_S_D.element_size() if shared_heads else 0
    return 4 * query_B_N_S_D.numel() + expanded


def _attend(
    module: nn.Module,
    query_B_N_S_D: Tensor,
    key_B_K_S_D: Tensor,
    value_B_K_S_D: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, None]:
    assert attention_mask is None, "a mask reached attention"
    attend = torch.ops.aten._scaled_dot_product_flash_attention
    output_B_N_S_D = attend(query_B_N_S_D, key_B_K_S_D, value_B_K_S_D, dropout, True, scale=scaling)[0]
    return output_B_N_S_D.transpose(1, 2).contiguous(), None
