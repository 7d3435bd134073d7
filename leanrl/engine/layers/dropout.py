"""Dropout of a model's own, off while it trains; the adapter's stays as it was asked for.

Ratios of a reused batch, and of a rollout engine's log-probabilities to the trainer's, are 1 on policy only where both
forward passes drop nothing. The modules of the model stay in evaluation mode: functional dropout, jitter of routers and
sampled experts all ask for it. Those that checkpoint their layers look at the mode for that too, so theirs follows, and
the rates that they read are set to 0.
"""

import copy
import re
from typing import Any

from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

# attention_dropout, resid_pdrop, layerdrop, hidden_dropout_prob, router_jitter_noise, ...
_RATE = re.compile(r"drop|jitter")


def switch_off_dropout(model: PreTrainedModel) -> None:
    """Keep every module of the model but its adapter's from dropping or adding noise, in every mode.

    The model's own config stays as it is: a checkpoint of all parameters saves it.

    Args:
        model: the bare model, with its adapter's layers in place.
    """
    set_mode = model.train

    def train(mode: bool = True) -> PreTrainedModel:
        set_mode(mode)
        for module in _own_modules(model):
            if not _checkpoints(module):
                module.training = False
        return model

    for module in _own_modules(model):
        if _checkpoints(module):
            _clear_rates(vars(module))
            _clear_config(module)
    model.train = train
    model.train(model.training)


def _own_modules(module: nn.Module) -> Any:
    """Yield the module and those in it, except what stands in an adapter's layer."""
    if isinstance(module, BaseTunerLayer):
        return
    yield module
    for child in module.children():
        yield from _own_modules(child)


def _checkpoints(module: nn.Module) -> bool:
    """Return whether the module, by transformers' own switch, runs layers again in the backward pass."""
    return hasattr(module, "gradient_checkpointing") or isinstance(module, PreTrainedModel)


def _clear_config(module: nn.Module) -> None:
    """Let a layer that reads its rates from the config, as Falcon's, read them from a copy."""
    config = getattr(module, "config", None)
    if isinstance(config, PretrainedConfig) and not isinstance(module, PreTrainedModel):
        module.config = copy.copy(config)
        _clear_rates(vars(module.config))


def _clear_rates(values: dict[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, float) and _RATE.search(name):
            values[name] = 0.0
