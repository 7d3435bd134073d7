"""What a family does to its logits behind the head, measured on its own code instead of read from names in its config.

The model is built without weights, its decoder is replaced by chosen hidden states and its head by the identity: what
comes out is the family's function of hidden @ head, at points where scale and soft-cap can be read off exactly.

Axes: B = 1 sequence, S tokens, V vocabulary, H hidden.
"""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import _disable_current_modes
from transformers import PreTrainedConfig, PreTrainedModel

from leanrl.algorithms.logprobs import LogitShape

_TOKENS, _VOCABULARY = 4, 8
# Powers of two: products with them are exact. One lies in the straight part of any soft-cap, one far beyond it.
_SMALL, _LARGE = 2.0**-20, 2.0**30
# What float32 leaves of a function that is the same.
_TOLERANCE = 1e-5


class UnknownLogitsError(ValueError):
    """The logits are another function of hidden states and head than LogitShape describes."""

    def __init__(self, config: PreTrainedConfig) -> None:
        family = config.get_text_config().model_type
        super().__init__(f"{family} computes its logits by more than a linear head, a factor and a soft-cap")


def measure_logit_shape(model_class: type[PreTrainedModel], config: PreTrainedConfig) -> LogitShape:
    """Return the scale and the soft-cap between hidden @ head and the logits of a family; its bias is left out.

    Raises:
        UnknownLogitsError: if the family computes its logits in another way.
    """
    # No value can be read off the simulation's fake tensors.
    with _disable_current_modes(), torch.no_grad():
        try:
            logits_of = _LogitsOf(model_class, config)
            scale = logits_of(_SMALL).mean().item() / _SMALL
            scale = 1.0 if abs(scale - 1) < _TOLERANCE else scale
            largest = logits_of(_LARGE).mean().item()
            shape = LogitShape(scale=scale, softcap=None if largest > 0.5 * _LARGE * scale else largest)
            generator = torch.Generator().manual_seed(0)
            raw_S_V = 10 * torch.randn(_TOKENS, _VOCABULARY, generator=generator, dtype=torch.float64)
            error = (logits_of(raw_S_V) - _shaped(raw_S_V, shape)).abs().max().item()
        except Exception as failure:  # of the family's own code, on parts that have no weights here
            raise UnknownLogitsError(config) from failure
    if not error < _TOLERANCE * 10:
        raise UnknownLogitsError(config)
    return shape


def decoder_of(model: PreTrainedModel) -> nn.Module:
    """Return what turns tokens into the hidden states that the head reads.

    That is `base_model`, but where a class names another prefix than its attribute (Llama 4), which makes the model
    its own base.
    """
    if model.base_model is not model:
        return model.base_model
    return next(child for child in model.children() if isinstance(child, PreTrainedModel))


class _LogitsOf:
    """The family's logits as a function of hidden @ head."""

    def __init__(self, model_class: type[PreTrainedModel], config: PreTrainedConfig) -> None:
        with torch.device("meta"):
            self.model = model_class._from_config(copy.deepcopy(config), attn_implementation="eager")
        head = self.model.get_output_embeddings()
        self.hidden_size = head.in_features
        identity = nn.Linear(self.hidden_size, _VOCABULARY, bias=head.bias is not None, dtype=torch.float64)
        nn.init.eye_(identity.weight)
        if identity.bias is not None:
            nn.init.zeros_(identity.bias)
        self.model.set_output_embeddings(identity)

    def __call__(self, raw_S_V: Tensor | float) -> Tensor:
        hidden_B_S_H = torch.zeros(1, _TOKENS, self.hidden_size, dtype=torch.float64)
        hidden_B_S_H[..., :_VOCABULARY] = raw_S_V

        def decode(*args: Any, **kwargs: Any) -> _Decoded:
            return _Decoded(hidden_B_S_H)

        # Some heads call the decoder within the base model (OPT).
        for decoder in (decoder_of(self.model), self.model.get_decoder()):
            if decoder is not self.model:
                decoder.forward = decode
        logits_B_S_V: Tensor = self.model(input_ids=torch.zeros(1, _TOKENS, dtype=torch.int64)).logits
        return logits_B_S_V[0].double()


class _Decoded:
    """An output of a decoder that holds hidden states, and None for whatever else a family asks of it."""

    def __init__(self, hidden_B_S_H: Tensor) -> None:
        self.last_hidden_state = hidden_B_S_H

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return ()
        return self.last_hidden_state if key in (0, "last_hidden_state") else None


def _shaped(raw_S_V: Tensor, shape: LogitShape) -> Tensor:
    scaled_S_V = raw_S_V * shape.scale
    return scaled_S_V if shape.softcap is None else shape.softcap * torch.tanh(scaled_S_V / shape.softcap)
