"""The optimizers by name: torch's AdamW, and three that hold less on the card."""

from typing import Any

import torch

from leanrl.config.schema import OptimizerConfig
from leanrl.engine.optimizers.own_parts import on_own_parts


def optimizer_class(config: OptimizerConfig) -> tuple[type[torch.optim.Optimizer], dict[str, Any]]:
    """Return the class that `optimizer.name` names, and its arguments besides the weights and their decay.

    All of them keep updates far smaller than a bfloat16 weight can show, given fp32 weights (adamw), fp32 masters
    (adamw_offloaded) or stochastic rounding (the 8-bit ones). The packages of the 8-bit ones are imported here;
    `config.support` has asked for them.
    """
    values = {"lr": config.learning_rate, "betas": (config.beta1, config.beta2), "eps": config.eps}
    if config.name == "adamw_8bit":
        from leanrl.engine.optimizers.adamw_8bit import RoundedAdamW8bit

        return RoundedAdamW8bit, values
    if config.name == "adamw_8bit_paged":
        from leanrl.engine.optimizers.paged_adamw import RoundedPagedAdamW8bit

        return RoundedPagedAdamW8bit, values
    if config.name == "adamw_offloaded":
        from leanrl.engine.optimizers.host_adamw import HostAdamW

        return HostAdamW, values
    return torch.optim.AdamW, {**values, "fused": True}


def shared_optimizer_class(config: OptimizerConfig) -> tuple[type[torch.optim.Optimizer], dict[str, Any]]:
    """Return the same for weights that ranks share: torch's AdamW knows such weights, the others update parts."""
    cls, values = optimizer_class(config)
    return (on_own_parts(cls) if keeps_to_parts(config) else cls), values


def keeps_to_parts(config: OptimizerConfig) -> bool:
    """Return whether each rank has its own state, of its own parts of shared weights."""
    return config.name != "adamw"
