"""The KV cache of rows that come and go: rows are joined to it and taken from it between two steps.

B rows, W columns of the cache; a row's tokens stand at the right, in columns that its mask marks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer


@dataclass
class CachedRows:
    """Rows in decoding: their cache, which of its columns hold a token of the row, and the last token of each.

    The last token is not in the cache yet: the next step reads it.
    """

    cache: Cache
    mask_B_W: Tensor
    last_B: Tensor

    def positions(self) -> Tensor:
        """Return the position of each row's last token, of shape B."""
        return self.mask_B_W.sum(-1)


def can_join(cache: Cache) -> bool:
    """Return whether every layer keeps all columns: one with a window or a state has none to put rows beside."""
    return isinstance(cache, DynamicCache) and all(type(layer) is DynamicLayer for layer in cache.layers)


def keep_rows(rows: CachedRows, kept: Sequence[int]) -> CachedRows:
    """Return some of the rows; columns at the left that no row uses any more go."""
    index = torch.tensor(list(kept), device=rows.mask_B_W.device)
    mask_B_W = rows.mask_B_W[index]
    width = int(mask_B_W.sum(-1).max())
    for layer in rows.cache.layers:
        layer.keys, layer.values = layer.keys[index, :, -width:], layer.values[index, :, -width:]
    return CachedRows(rows.cache, mask_B_W[:, -width:], rows.last_B[index])


def join(rows: CachedRows, more: CachedRows) -> CachedRows:
    """Return both as one batch, the first above; the narrower of them gets empty columns at its left.

    Raises:
        ValueError: if a layer does not keep all columns.
    """
    if not (can_join(rows.cache) and can_join(more.cache)):
        raise ValueError("rows with a sliding window or a state cannot be joined.")
    width = max(rows.mask_B_W.shape[1], more.mask_B_W.shape[1])
    for layer, other in zip(rows.cache.layers, more.cache.layers, strict=True):
        layer.keys = torch.cat([_widened(layer.keys, width), _widened(other.keys, width)])
        layer.values = torch.cat([_widened(layer.values, width), _widened(other.values, width)])
        other.keys = other.values = None
    masks = [torch.nn.functional.pad(each.mask_B_W, (width - each.mask_B_W.shape[1], 0)) for each in (rows, more)]
    return CachedRows(rows.cache, torch.cat(masks), torch.cat([rows.last_B, more.last_B]))


def _widened(states_B_H_W_D: Tensor, width: int) -> Tensor:
    missing = width - states_B_H_W_D.shape[2]
    return torch.nn.functional.pad(states_B_H_W_D, (0, 0, missing, 0)) if missing else states_B_H_W_D
