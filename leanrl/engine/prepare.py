"""A model made ready for the engine: its head scores tokens, its layers run in tiles and without dropout of their own,
its activations may travel, and the last layers may keep theirs.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import torch
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn
from transformers import PreTrainedModel

from leanrl.config.schema import TrainConfig
from leanrl.engine.head.scoring import attach_logprob_head
from leanrl.engine.layers.dropout import switch_off_dropout
from leanrl.engine.layers.host_activations import MIN_BYTES, Copies, CudaCopies, HostActivations
from leanrl.engine.layers.kept_layers import keep_last_layers, keep_off_saved_tensors
from leanrl.engine.layers.tiles import tile_modules


def prepare_model(
    model: PreTrainedModel, train: TrainConfig, *, copies: Copies | None = None, min_bytes: int = MIN_BYTES
) -> None:
    """Attach the engine's savings to the model, without its adapter's wrapper and before anything shards it.

    Args:
        model: the bare model; the adapter's layers in it stay where they are.
        train: which savings.
        copies: how activations travel to host memory; by default over CUDA, and nowhere on a CPU.
        min_bytes: smaller activations stay.
    """
    _free_inputs(model)
    switch_off_dropout(model)
    leave_casts_to_autocast(model)
    offloads = train.offload_activations and (copies is not None or torch.cuda.is_available())
    attach_logprob_head(model, saved_tensors=_host_activations(model, copies, min_bytes) if offloads else None)
    if train.tile_tokens is not None:
        tile_modules(model, tile_tokens=train.tile_tokens)
    if train.kept_layers:
        keep_last_layers(model, train.kept_layers)
    if train.kept_layers and offloads:
        keep_off_saved_tensors(model)


def _free_inputs(model: PreTrainedModel) -> None:
    """Let the embeddings of a frozen table have no gradient.

    transformers asks for one, for the sake of reentrant checkpointing: it keeps the embeddings and their gradient to
    the end of the step, and runs the first layer's backward pass further than any weight needs. leanrl checkpoints
    without re-entering. The hooks are found by their name in transformers and PEFT: `disable_input_require_grads`
    knows only the last of them, and more than one caller adds its own.
    """
    hooks = model.get_input_embeddings()._forward_hooks
    for key, hook in list(hooks.items()):
        if getattr(hook, "__name__", "").startswith("make_inputs_require_grad"):
            del hooks[key]
    model.enable_input_require_grads = lambda: None


def leave_casts_to_autocast(model: nn.Module) -> None:
    """Let what an adapter's layers read stay as it is where autocast is on.

    PEFT casts it to an fp32 adapter's dtype, and autocast casts that back: the same numbers, and a copy for each layer
    where all could keep one. Without autocast, as in generation, PEFT's cast is needed. (Its own switch,
    `cast_input_dtype_enabled`, knows no such difference; its layer on NF4 asks CUDA's autocast the same.)
    """
    for layer in model.modules():
        if isinstance(layer, LoraLayer):
            layer._cast_input_dtype = partial(_cast_without_autocast, layer._cast_input_dtype)


def _cast_without_autocast(
    cast: Callable[[Tensor, torch.dtype], Tensor], input_B_S_H: Tensor, dtype: torch.dtype
) -> Tensor:
    return input_B_S_H if torch.is_autocast_enabled(input_B_S_H.device.type) else cast(input_B_S_H, dtype)


def _host_activations(
    model: nn.Module, copies: Copies | None, min_bytes: int
) -> Callable[[], AbstractContextManager[object]]:
    """Return what makes the context of each forward pass; its stream is made when the model is on its card."""
    made: list[Copies] = [] if copies is None else [copies]

    def make() -> HostActivations:
        if not made:
            made.append(CudaCopies(next(model.parameters()).device))
        return HostActivations(made[0], min_bytes=min_bytes)

    return make
