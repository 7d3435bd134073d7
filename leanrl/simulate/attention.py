"""The attention that a GPU would run, on fake tensors of the CPU.

Plain `sdpa` on a CPU tensor takes the CPU's own kernel, which saves other tensors than the CUDA one. Calling the
CUDA operator by name makes fake tensors of the sizes that it returns; of packed rows, the engine's own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import repeat_kv, use_gqa_in_sdpa

from leanrl.engine.attention.packed import (
    RowBounds,
    as_autocast,
    attend_by_varlen,
    attend_row_by_row,
    flash_takes_heads,
)

# No part of it may be "flash": transformers would look for a kernel of that name.
NAME = "simulated_cuda"
# The widest head whose gradients of keys and values the kernel for masks sums in registers (kernel_backward.h in
# aten/src/ATen/native/transformers/cuda/mem_eff_attention, kOutputInRF).
_WIDEST_HEAD_IN_REGISTERS = 128


def register() -> None:
    """Make the attention known to transformers as `NAME`; no mask is ever built for it but the engine's own (D14)."""
    AttentionInterface.register(NAME, _attend)


@contextmanager
def cuda_attention() -> Iterator[None]:
    """Let torch's own attention function run what a GPU would, for models that call it past transformers' interface."""
    original = functional.scaled_dot_product_attention
    functional.scaled_dot_product_attention = _scaled_dot_product
    try:
        yield
    finally:
        functional.scaled_dot_product_attention = original


def flash_backward_bytes(grad: Tensor, query_B_N_S_D: Tensor, key_B_K_S_D: Tensor, *_: Any, **__: Any) -> int:
    """Return what the CUDA backward holds beside its results; a pack's tensors have the axes S, N and D.

    The gradient of the queries is summed in fp32, and where key-value heads are shared the gradients of keys and
    values are first written for every query head (mha_bwd in aten/src/ATen/native/transformers/cuda/flash_attn).
    Known from that source, not measured.
    """
    shared_heads = query_B_N_S_D.shape[1] != key_B_K_S_D.shape[1]
    expanded = 2 * query_B_N_S_D.numel() * query_B_N_S_D.element_size() if shared_heads else 0
    return 4 * query_B_N_S_D.numel() + expanded


def masked_backward_bytes(grad: Tensor, query_B_N_S_D: Tensor, *_: Any, **__: Any) -> int:
    """Return what the CUDA backward of the kernel for masks holds beside its results.

    fp32 sums of the queries' gradient and of each row's product with the output; of keys and values where heads are
    wide and numbers have 16 bits. Known from the source named above, not measured.
    """
    numbers, head_dim = query_B_N_S_D.numel(), query_B_N_S_D.shape[-1]
    is_wide = head_dim > _WIDEST_HEAD_IN_REGISTERS and query_B_N_S_D.element_size() == 2
    return 4 * numbers * (3 if is_wide else 1) + 4 * numbers // head_dim


def _attend(
    module: nn.Module,
    query_B_N_S_D: Tensor,
    key_B_K_S_D: Tensor,
    value_B_K_S_D: Tensor,
    attention_mask: Tensor | None,
    *,
    row_bounds: RowBounds | None = None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, None]:
    tensors = query_B_N_S_D, key_B_K_S_D, value_B_K_S_D
    if row_bounds is not None:
        settings: dict[str, Any] = {"scaling": scaling, "sliding_window": sliding_window}
        if flash_takes_heads(query_B_N_S_D, value_B_K_S_D):
            return attend_by_varlen(*tensors, row_bounds, **settings), None
        return attend_row_by_row(module, *tensors, row_bounds.lengths, dropout=dropout, **settings), None
    # Autocast knows torch's function, and not the kernels below it.
    tensors = as_autocast(query_B_N_S_D), as_autocast(key_B_K_S_D), as_autocast(value_B_K_S_D)
    if attention_mask is not None:
        output_B_N_S_D = _attend_masked(*tensors, attention_mask, scaling, dropout)
    else:
        output_B_N_S_D = _attend_causal(*tensors, scaling, dropout)
    return output_B_N_S_D.transpose(1, 2).contiguous(), None


def _attend_causal(
    query_B_N_S_D: Tensor, key_B_K_S_D: Tensor, value_B_K_S_D: Tensor, scaling: float | None, dropout: float
) -> Tensor:
    """The flash kernel, or what torch takes for heads that it does not know.

    Shared heads are multiplied out with all scores, unless transformers repeats them first: those too wide for flash.
    """
    tensors = query_B_N_S_D, key_B_K_S_D, value_B_K_S_D
    if flash_takes_heads(query_B_N_S_D, value_B_K_S_D):
        return torch.ops.aten._scaled_dot_product_flash_attention(*tensors, dropout, True, scale=scaling)[0]
    num_shared = query_B_N_S_D.shape[1] // key_B_K_S_D.shape[1]
    if not use_gqa_in_sdpa(None, key_B_K_S_D, value_B_K_S_D):
        tensors = query_B_N_S_D, repeat_kv(key_B_K_S_D, num_shared), repeat_kv(value_B_K_S_D, num_shared)
    elif num_shared > 1:
        multiply = torch.ops.aten._scaled_dot_product_attention_math
        return multiply(*tensors, None, dropout, True, scale=scaling, enable_gqa=True)[0]
    attend = torch.ops.aten._scaled_dot_product_efficient_attention
    return attend(*tensors, None, query_B_N_S_D.requires_grad, dropout, True, scale=scaling)[0]


def _attend_masked(
    query_B_N_S_D: Tensor,
    key_B_K_S_D: Tensor,
    value_B_K_S_D: Tensor,
    mask_1_1_S_S: Tensor,
    scaling: float | None,
    dropout: float,
) -> Tensor:
    """The kernel that takes masks shares no key-value heads: transformers repeats them for it."""
    num_heads, num_tokens = query_B_N_S_D.shape[1:3]
    num_shared = num_heads // key_B_K_S_D.shape[1]
    key_B_N_S_D, value_B_N_S_D = (repeat_kv(tensor, num_shared) for tensor in (key_B_K_S_D, value_B_K_S_D))
    mask_B_N_S_S = mask_1_1_S_S.expand(query_B_N_S_D.shape[0], num_heads, num_tokens, num_tokens)
    attend = torch.ops.aten._scaled_dot_product_efficient_attention
    return attend(
        query_B_N_S_D, key_B_N_S_D, value_B_N_S_D, mask_B_N_S_S, query_B_N_S_D.requires_grad, dropout, scale=scaling
    )[0]


def _scaled_dot_product(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Cast the inputs as autocast does for torch's function, which then computes without autocast."""
    query, key, value = as_autocast(query), as_autocast(key), as_autocast(value)
    mask = None if attn_mask is None else _additive(attn_mask, query.dtype)
    with torch.autocast(query.device.type, enabled=False):
        return _run_kernel(query, key, value, mask, dropout_p, is_causal, scale, enable_gqa)


def _additive(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the mask that a kernel takes; torch turns a boolean one into 0 and minus infinity anew in each call."""
    return torch.zeros_like(mask, dtype=dtype) if mask.dtype == torch.bool else mask.to(dtype)


def _run_kernel(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    dropout_p: float,
    is_causal: bool,
    scale: float | None,
    enable_gqa: bool,
) -> Tensor:
    """The kernels for GPUs need as many heads of keys as of queries: others are multiplied out, with all scores."""
    if enable_gqa:
        num_shared = query.shape[-3] // key.shape[-3]
        key, value = (repeat_kv(tensor, num_shared) for tensor in (key, value))
    if query.shape[-3] != key.shape[-3]:
        multiply = torch.ops.aten._scaled_dot_product_attention_math
        return multiply(query, key, value, mask, dropout_p, is_causal, scale=scale)[0]
    if mask is not None:
        mask = mask.expand(*query.shape[:3], key.shape[-2])
        attend = torch.ops.aten._scaled_dot_product_efficient_attention
        return attend(query, key, value, mask, query.requires_grad, dropout_p, is_causal, scale=scale)[0]
    if not flash_takes_heads(query, value):
        attend = torch.ops.aten._scaled_dot_product_efficient_attention
        return attend(query, key, value, None, query.requires_grad, dropout_p, is_causal, scale=scale)[0]
    return torch.ops.aten._scaled_dot_product_flash_attention(query, key, value, dropout_p, is_causal, scale=scale)[0]
