"""A model in fp32: weights widened, and buffers that no file holds as an fp32 model computes them."""

import copy

import torch
from accelerate import init_empty_weights
from torch import Tensor
from transformers import PreTrainedModel


@torch.no_grad()
def in_fp32(model: PreTrainedModel) -> PreTrainedModel:
    """Return `model` in fp32, with the same numbers as its saved weights have once they are loaded in fp32.

    transformers computes some buffers from the config in the dtype that a model is loaded in, and saves none of them:
    the multipliers of Falcon-H1's state space are 0.6016 in bf16 and 0.6 in fp32. Widening alone keeps 0.6016, while a
    reader of the merged files has 0.6.
    """
    rounded = [name for name, buffer in _unsaved_buffers(model).items() if buffer.dtype in _NARROW]
    model.float()
    if rounded:
        exact = _computed_in_fp32(model)
        for name in rounded:
            module, _, own_name = name.rpartition(".")
            setattr(model.get_submodule(module), own_name, exact[name].to(model.get_buffer(name).device))
    return model


_NARROW = (torch.bfloat16, torch.float16)


def _unsaved_buffers(model: PreTrainedModel) -> dict[str, Tensor]:
    saved = model.state_dict().keys()
    return {name: buffer for name, buffer in model.named_buffers() if name not in saved}


def _computed_in_fp32(model: PreTrainedModel) -> dict[str, Tensor]:
    """Return the buffers of a second model of the same config, whose weights take no memory."""
    with init_empty_weights(include_buffers=False):
        empty = type(model)._from_config(copy.deepcopy(model.config), dtype=torch.float32)
    return _unsaved_buffers(empty)
