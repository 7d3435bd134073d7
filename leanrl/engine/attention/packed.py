"""Attention over rows that stand one behind the other in one sequence: none sees another, and no mask says so.

On a GPU torch's varlen kernel takes the rows at once; elsewhere each row is one causal call. transformers hands what
a model is given beside its inputs down to attention, and to a checkpointed layer that runs again: so the bounds of
the rows arrive here without a global.

Axes: B sequences, N query heads, K key-value heads, S tokens, D head size, R rows.
"""

from collections.abc import Sequence
from inspect import signature
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.attention.varlen import varlen_attn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

# No part of it may be "flash": transformers would look for a kernel of that name.
NAME = "packed_rows"
# The kernel is FlashAttention's: 16 bit, head sizes up to 256 divisible by 8 (torch pads others for plain attention
# only).
_KERNEL_DTYPES = (torch.float16, torch.bfloat16)
_KERNEL_HEAD_SIZES = range(8, 257, 8)
# Key-value heads that several query heads share: torch 2.11 takes them as they are, later releases ask to be told.
_IS_TOLD_OF_SHARED_HEADS = "enable_gqa" in signature(varlen_attn).parameters


class RowBounds(NamedTuple):
    """Where the rows of one sequence are; a tuple, since DDP and FSDP2 look into those for tensors to move.

    `starts_R` has one number more than there are rows: the end of the last.
    """

    lengths: tuple[int, ...]
    starts_R: Tensor

    @classmethod
    def of(cls, lengths: Sequence[int], device: torch.device | str) -> "RowBounds":
        starts = torch.tensor([0, *accumulate(lengths)], dtype=torch.int32, device=device)
        return cls(tuple(lengths), starts)


def attend_to_packed_rows(model: PreTrainedModel) -> None:
    """Let a model that runs on `sdpa` take `row_bounds`; without them it attends as before, generation included."""
    AttentionInterface.register(NAME, _attend)
    AttentionMaskInterface.register(NAME, _mask)
    # Its own method reads the source of the class, which FSDP2 has replaced by one without any.
    model.config._attn_implementation = NAME


def attend_by_varlen(
    query_1_N_S_D: Tensor,
    key_1_K_S_D: Tensor,
    value_1_K_S_D: Tensor,
    row_bounds: RowBounds,
    *,
    scaling: float | None,
    sliding_window: int | None,
) -> Tensor:
    """Return the output of all rows, with axes 1, S, N, D, by torch's varlen kernel."""
    longest = max(row_bounds.lengths)
    query_S_N_D, key_S_K_D, value_S_K_D = (
        as_autocast(tensor)[0].transpose(0, 1) for tensor in (query_1_N_S_D, key_1_K_S_D, value_1_K_S_D)
    )
    # A window of W tokens holds the token itself; the kernel counts those to its left.
    left = -1 if sliding_window is None else sliding_window - 1
    shared_heads = {"enable_gqa": query_S_N_D.shape[1] != key_S_K_D.shape[1]} if _IS_TOLD_OF_SHARED_HEADS else {}
    output_S_N_D = varlen_attn(
        query_S_N_D,
        key_S_K_D,
        value_S_K_D,
        row_bounds.starts_R,
        row_bounds.starts_R,
        longest,
        longest,
        scale=scaling,
        window_size=(left, 0),
        **shared_heads,
    )
    return output_S_N_D[None]


def attend_row_by_row(
    module: nn.Module,
    query_B_N_S_D: Tensor,
    key_B_K_S_D: Tensor,
    value_B_K_S_D: Tensor,
    lengths: Sequence[int],
    *,
    sliding_window: int | None,
    **settings: Any,
) -> Tensor:
    """Return the output of all rows, with axes B, S, N, D: one causal call for each row of `lengths`."""
    outputs = []
    parts = (tensor.split(list(lengths), dim=2) for tensor in (query_B_N_S_D, key_B_K_S_D, value_B_K_S_D))
    for query, key, value in zip(*parts, strict=True):
        window = _window(query.shape[2], sliding_window, device=query.device)
        outputs.append(sdpa_attention_forward(module, query, key, value, window, is_causal=True, **settings)[0])
    return torch.cat(outputs, dim=1)


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
    **others: Any,
) -> tuple[Tensor, None]:
    tensors = query_B_N_S_D, key_B_K_S_D, value_B_K_S_D
    settings: dict[str, Any] = {"scaling": scaling, "sliding_window": sliding_window}
    num_queries, num_keys = query_B_N_S_D.shape[2], key_B_K_S_D.shape[2]
    if row_bounds is not None and _kernel_takes(query_B_N_S_D, value_B_K_S_D):
        return attend_by_varlen(*tensors, row_bounds, **settings), None
    if row_bounds is None and (attention_mask is not None or num_queries != num_keys):
        return sdpa_attention_forward(module, *tensors, attention_mask, dropout=dropout, **settings, **others)
    lengths = (num_queries,) if row_bounds is None else row_bounds.lengths
    return attend_row_by_row(module, *tensors, lengths, dropout=dropout, **settings), None


def _mask(*, q_length: int, kv_length: int, attention_mask: Tensor | None = None, **others: Any) -> Tensor | None:
    """Build none for whole sequences without padding: `_attend` knows which rows and windows they have."""
    if attention_mask is None and q_length == kv_length:
        return None
    return sdpa_mask(q_length=q_length, kv_length=kv_length, attention_mask=attention_mask, **others)


def flash_takes_heads(query: Tensor, value: Tensor) -> bool:
    """Whether FlashAttention knows the head size; latent attention has values of another size than queries."""
    return query.shape[-1] == value.shape[-1] and query.shape[-1] in _KERNEL_HEAD_SIZES


def _kernel_takes(query: Tensor, value: Tensor) -> bool:
    is_on_gpu = query.device.type == "cuda" and _autocast_dtype(query) in _KERNEL_DTYPES
    return is_on_gpu and flash_takes_heads(query, value)


def as_autocast(tensor: Tensor) -> Tensor:
    """Cast as autocast does for plain attention, whose list the kernel is not on: rotated queries can be fp32."""
    return tensor.to(_autocast_dtype(tensor))


def _autocast_dtype(tensor: Tensor) -> torch.dtype:
    device_type = tensor.device.type
    return torch.get_autocast_dtype(device_type) if torch.is_autocast_enabled(device_type) else tensor.dtype


def _window(length: int, sliding_window: int | None, *, device: torch.device) -> Tensor | None:
    """Return which tokens of one row see which, or None where the window holds the whole row."""
    if sliding_window is None or length <= sliding_window:
        return None
    position_S = torch.arange(length, device=device)
    distance_S_S = position_S[:, None] - position_S
    return ((distance_S_S >= 0) & (distance_S_S < sliding_window))[None, None]
