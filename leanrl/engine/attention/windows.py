"""The mask of sliding windows, made once for a micro-batch.

transformers makes a boolean mask for every row that is as long as the window. torch turns a boolean mask into an
additive one anew in every layer, a copy for each row of the micro-batch, and each layer keeps its own for the backward
pass. Rows of a micro-batch need the same mask, and an additive one of the right dtype is taken as it is: one square for
all rows and layers.

Axes: S tokens of the longest row.
"""

import torch
from torch import Tensor
from transformers import PretrainedConfig, PreTrainedModel

from leanrl.engine.attention import packed as packed_attention
from leanrl.models.structure.layer_values import shared_value

# Families by how their decoder takes a mask that is ready (transformers 5.17, modeling files): by kind of layer, or one
# for all layers. Other families make their own.
_BY_KIND = (
    *("afmoe", "cohere2", "cohere2_moe", "cwm", "exaone4", "exaone_moe", "gemma2", "gemma3_text", "gemma4_text"),
    *("laguna", "mellum", "ministral", "olmo3", "qwen2", "qwen3", "smollm3", "vaultgemma"),
)
_ONE_FOR_ALL = ("ministral3", "mistral", "mixtral", "phi3", "phimoe", "starcoder2")
# They apply the window themselves, or read a mask of another form.
_OWN_WINDOWS = ("eager", "flash_attention_2", packed_attention.NAME)


def window_mask(model: PreTrainedModel, ids_B_S: Tensor) -> Tensor | dict[str, Tensor | None] | None:
    """Return the `attention_mask` that a decoder takes for rows without padding on the left; None where it needs none.

    The window counts from the row's own token: a token sees itself and `sliding_window` - 1 before it.
    """
    config = model.config.get_text_config()
    num_tokens = ids_B_S.shape[1]
    window = _window(config)
    if window is None or num_tokens < window or config._attn_implementation in _OWN_WINDOWS:
        return None
    mask_S_S = _causal_window(num_tokens, window, device=ids_B_S.device, dtype=_attention_dtype(model, ids_B_S))
    mask_1_1_S_S = mask_S_S[None, None]
    if config.model_type in _ONE_FOR_ALL:
        return mask_1_1_S_S
    return {"full_attention": None, "sliding_attention": mask_1_1_S_S}


def _window(config: PretrainedConfig) -> int | None:
    """The window of the layers that have one; None where no layer has, or the family is not known."""
    is_by_kind = config.model_type in _BY_KIND and "sliding_attention" in config.layer_types
    return shared_value(config, "sliding_window") if is_by_kind or config.model_type in _ONE_FOR_ALL else None


def _attention_dtype(model: PreTrainedModel, ids_B_S: Tensor) -> torch.dtype:
    """The dtype in which queries reach attention; torch takes an additive mask of no other."""
    device_type = ids_B_S.device.type
    if torch.is_autocast_enabled(device_type):
        return torch.get_autocast_dtype(device_type)
    return model.get_input_embeddings().weight.dtype


def _causal_window(num_tokens: int, window: int, *, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return mask_S_S: 0 where a row's token sees a column's, else minus infinity."""
    future_S_S = torch.full((num_tokens, num_tokens), -torch.inf, device=device, dtype=dtype).triu_(1)
    past_S_S = torch.full_like(future_S_S, -torch.inf).tril_(-window)
    return future_S_S.add_(past_S_S)
