"""Decoder layers whose activations are kept, while checkpointing runs the others again in the backward pass.

The last layers are kept. The backward pass frees their activations first, before it runs the first layer again and
before most gradients exist. Kept layers anywhere else would lie beside those of a layer that runs again. The norms and
the MLP of a kept layer run whole: in tiles they would run again all the same.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer

from leanrl.engine.layers.tiles import run_whole


def decoder_layers(model: PreTrainedModel) -> list[nn.Module]:
    """Return the decoder layers that can be checkpointed one by one, the first one first; else none.

    Args:
        model: the bare model, with or without its adapter's layers.
    """
    num_layers = model.config.get_text_config().num_hidden_layers
    stacks = (module for module in model.modules() if isinstance(module, nn.ModuleList) and len(module) == num_layers)
    return next((list(stack) for stack in stacks if _is_checkpointed_by_layer(stack)), [])


def keep_last_layers(model: PreTrainedModel, count: int) -> None:
    """Let checkpointing leave out the last `count` decoder layers, where it is on and whenever it is switched on.

    A second call with another number takes the place of the first.

    Args:
        model: as in `decoder_layers`.
        count: not above the number of layers that can be checkpointed one by one.

    Raises:
        ValueError: if it is.
    """
    num_layers = len(decoder_layers(model))
    if count > num_layers:
        raise ValueError(f"{count} of {num_layers} layers that can be checkpointed one by one cannot be kept.")
    enable = type(model).gradient_checkpointing_enable

    def enable_others(*arguments: Any, **named: Any) -> None:
        enable(model, *arguments, **named)
        _mark(model, count)

    model.gradient_checkpointing_enable = enable_others
    if model.is_gradient_checkpointing:
        _mark(model, count)


def keep_off_saved_tensors(model: PreTrainedModel) -> None:
    """Let layers that are kept save their activations where they are, whatever hook moves those of the others."""
    for layer in decoder_layers(model):
        layer.forward = _without_hooks(layer, layer.forward)


def _is_checkpointed_by_layer(stack: nn.ModuleList) -> bool:
    return all(isinstance(layer, GradientCheckpointingLayer) for layer in stack)


def _mark(model: PreTrainedModel, count: int) -> None:
    layers = decoder_layers(model)
    first_kept = len(layers) - count
    for index, layer in enumerate(layers):
        run_whole(layer, is_whole=index >= first_kept)
        for module in layer.modules():
            if isinstance(module, GradientCheckpointingLayer):
                module.gradient_checkpointing = index < first_kept


def _without_hooks(layer: nn.Module, whole: Callable[..., Any]) -> Callable[..., Any]:
    def forward(*inputs: Any, **named: Any) -> Any:
        if layer.gradient_checkpointing:
            return whole(*inputs, **named)
        with torch.autograd.graph.saved_tensors_hooks(_as_it_is, _as_it_is):
            return whole(*inputs, **named)

    return forward


def _as_it_is(tensor: torch.Tensor) -> torch.Tensor:
    return tensor
