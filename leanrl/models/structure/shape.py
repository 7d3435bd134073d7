"""The shape of any causal language model of transformers, counted on its modules."""

from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, PretrainedConfig

from leanrl.errors import NoFormulaError
from leanrl.models.structure.layer_values import attention_sizes, layer_values
from leanrl.planner.models.counted import Counted
from leanrl.planner.models.shapes import ModelShape, shape_from_config

# GPT-2's linear layer, whose weight lies the other way round.
_LINEAR_CLASSES = ("Linear", "Conv1D")
# Layer types of transformers that keep a KV cache of the whole text, or of a window.
_FULL, _WINDOWED = ("full_attention", "attention", "global"), ("sliding_attention", "chunked_attention", "local")


def shape_of(config: PretrainedConfig) -> ModelShape:
    """Return the shape by formula, or counted on a model without weights where there is no formula."""
    try:
        return shape_from_config(config.to_dict())
    except NoFormulaError:
        with torch.device("meta"):
            return counted_shape(AutoModelForCausalLM.from_config(config))


def counted_shape(model: nn.Module) -> ModelShape:
    """Return the shape of a model by its modules; what modules do not show is read from its config.

    Keys and values take the general formula: layers with attention x key-value heads x head size. Where layers differ
    in heads or window, those of the largest stand for all: an upper estimate of the KV cache.
    """
    text = model.config.get_text_config()
    layers = _decoder_layers(model)
    num_params = sum(tensor.numel() for tensor in model.parameters())
    linears = _linears(layers)
    heads = max(attention_sizes(text), key=lambda sizes: sizes.key_value)
    num_sliding, num_stateful = _num_windowed_layers(text, len(layers)), num_stateful_layers(text)
    return ModelShape(
        family=text.model_type,
        num_layers=len(layers),
        hidden=text.hidden_size,
        intermediate=max(inputs for inputs, _ in linears.values()),
        num_heads=heads.num_heads,
        num_kv_heads=heads.num_kv_heads,
        head_dim=heads.head_dim,
        vocab=text.vocab_size,
        tied=bool(getattr(text, "tie_word_embeddings", False)),
        sliding_window=_largest_window(text) if num_sliding else None,
        num_sliding_layers=num_sliding,
        num_stateful_layers=num_stateful,
        state_numbers=_state_numbers(text) if num_stateful else 0,
        counted=Counted(
            num_params=num_params,
            params_per_layer=sum(tensor.numel() for tensor in layers.parameters()) // len(layers),
            linear_params_per_layer=_linear_params(layers) // len(layers),
            linears=linears,
        ),
    )


def _decoder_layers(model: nn.Module) -> nn.ModuleList:
    """Return the list of modules with the most parameters: the decoder's layers, whatever they are called."""
    lists = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    return max(lists, key=lambda layers: sum(tensor.numel() for tensor in layers.parameters()))


def _linears(layers: nn.ModuleList) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for name, inputs, outputs in _sizes(layers):
        known = found.get(name, (0, 0))
        found[name] = max(known, (inputs, outputs), key=lambda sizes: sizes[0] * sizes[1])
    return found


def _linear_params(layers: nn.ModuleList) -> int:
    return sum(inputs * outputs for _, inputs, outputs in _sizes(layers))


def _sizes(layers: nn.ModuleList) -> list[tuple[str, int, int]]:
    sizes = []
    for name, module in layers.named_modules():
        if type(module).__name__ in _LINEAR_CLASSES or isinstance(module, nn.Linear):
            rows, columns = module.weight.shape
            inputs, outputs = (columns, rows) if isinstance(module, nn.Linear) else (rows, columns)
            sizes.append((name.rsplit(".", 1)[-1], inputs, outputs))
    return sizes


def num_stateful_layers(text: Any) -> int:
    """Return how many layers of a text config keep a state in place of a KV cache."""
    kinds = getattr(text, "layer_types", None) or []
    return sum(kind not in (*_FULL, *_WINDOWED) for kind in kinds)


def _num_windowed_layers(text: Any, num_layers: int) -> int:
    kinds = getattr(text, "layer_types", None)
    if not kinds:
        return min(num_layers, sum(bool(window) for window in layer_values(text, "sliding_window")))
    return sum(kind in _WINDOWED for kind in kinds)


def _largest_window(text: Any) -> int | None:
    return max((window for window in layer_values(text, "sliding_window") if window), default=None)


def _state_numbers(text: Any) -> int:
    """Return the numbers of a state: a matrix for each value head (linear attention), or a convolution's inputs."""
    value_heads = getattr(text, "linear_num_value_heads", None)
    if value_heads:
        return value_heads * text.linear_key_head_dim * text.linear_value_head_dim
    return text.hidden_size * (getattr(text, "conv_L_cache", None) or 1)
