"""Dropout of an adapter: whether it has any, and scores without it. That of the model's own is off (`dropout`)."""

from collections.abc import Iterator
from contextlib import contextmanager

from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn


def has_adapter_dropout(model: nn.Module) -> bool:
    """Return whether an adapter's layer drops some of its input while it trains."""
    layers = (layer for layer in model.modules() if isinstance(layer, BaseTunerLayer))
    return any(isinstance(module, nn.Dropout) and module.p > 0 for layer in layers for module in layer.modules())


@contextmanager
def without_dropout(model: nn.Module) -> Iterator[None]:
    """Turn dropout off and nothing else: `model.eval()` would also choose other code of unsloth's."""
    dropouts = [module for module in model.modules() if isinstance(module, nn.Dropout) and module.training]
    for dropout in dropouts:
        dropout.eval()
    try:
        yield
    finally:
        for dropout in dropouts:
            dropout.train()
