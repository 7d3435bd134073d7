"""The adapter that a run trains: its shape, its first weights and its dtype."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn
from transformers import PreTrainedModel

from leanrl.config.schema import TuningConfig
from leanrl.errors import ConfigError, Problem
from leanrl.models.adapters.fold import attach_adapter
from leanrl.models.structure.adaptable import last_part, linear_modules, matches, out_of_reach
from leanrl.models.trained import find_adapter

# TRL's name for the frozen copy of a start adapter, which it scores as the reference.
REFERENCE_ADAPTER = "ref"
# PEFT's names for how A is drawn; True is kaiming uniform.
_INITS = {"kaiming": True, "gaussian": "gaussian"}


def lora_config(tuning: TuningConfig, model: PreTrainedModel | None = None) -> LoraConfig:
    """Return the adapter's shape; all-linear is every linear module but the head and what no adapter acts on."""
    left_out = out_of_reach(model) if model is not None and tuning.targets == "all-linear" else {}
    return LoraConfig(
        r=tuning.rank,
        lora_alpha=tuning.lora_alpha,
        use_rslora=tuning.rslora,
        init_lora_weights=_INITS[tuning.init],
        lora_dropout=tuning.dropout,
        target_modules=tuning.targets,
        exclude_modules=sorted(left_out) or None,
        bias="none",
        task_type="CAUSAL_LM",
    )


def with_adapter(model: PreTrainedModel, tuning: TuningConfig) -> tuple[PreTrainedModel | PeftModel, LoraConfig | None]:
    """Return what a trainer takes: the model, and the shape of the adapter that it is still to be given, if any."""
    if tuning.method == "full":
        return model, None
    if tuning.start_adapter is not None:
        return start_from_adapter(model, tuning), None
    return model, lora_config(tuning, model)


def start_from_adapter(base: PreTrainedModel, tuning: TuningConfig) -> PeftModel:
    """Return `base` with the trainable adapter of `tuning.start_adapter`, dropout as `tuning` says.

    Raises:
        ConfigError: if the adapter does not fit the base, or has another shape than `tuning` says.
    """
    start = find_adapter(Path(str(tuning.start_adapter)))
    said, has = _shape(lora_config(tuning)), _shape(start.lora)
    problems = [
        Problem(f"model.tuning.{name}", f"is {said[name]}, but the adapter in {start.folder} has {has[name]}")
        for name in said
        if said[name] != has[name] and said[name] != "all-linear"
    ]
    if problems:
        hint = "`leanrl train -s model.tuning.start_adapter=...` reads them from the adapter"
        raise ConfigError("The adapter to go on from has another shape.", hint=hint, problems=problems)
    policy = attach_adapter(base, start.folder, is_trainable=True)
    for module in policy.modules():
        if isinstance(module, LoraLayer):
            module.lora_dropout["default"] = nn.Dropout(tuning.dropout) if tuning.dropout > 0 else nn.Identity()
    policy.peft_config["default"].lora_dropout = tuning.dropout
    return policy


def adapter_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return copies of the trainable weights by name; none where `model` has no adapter yet."""
    if not isinstance(model, PeftModel):
        return {}
    return {name: weight.detach().clone() for name, weight in model.named_parameters() if weight.requires_grad}


@torch.no_grad()
def set_adapter_dtype(model: nn.Module, dtype: torch.dtype, *, weights: Mapping[str, Tensor]) -> None:
    """Cast the trainable weights of a PEFT model to `dtype`, those named in `weights` from the values there.

    TRL rounds every adapter on a quantised base to bf16. Values it has just drawn lose nothing that matters; those
    of an adapter that a run goes on from would.
    """
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            weight.data = weights.get(name, weight.data).to(weight.device, dtype)


@torch.no_grad()
def add_reference_adapter(policy: PeftModel, dtype: torch.dtype) -> None:
    """Give a policy a second, frozen adapter of the same shape: its reference, which can be set to the first one later.

    It adds nothing to the base at first. One that is there already, the start adapter, only gets the dtype.
    """
    if REFERENCE_ADAPTER not in policy.peft_config:
        with torch.random.fork_rng(devices=[policy.device] if policy.device.type == "cuda" else []):  # A is drawn
            policy.add_adapter(REFERENCE_ADAPTER, policy.peft_config["default"])
        for name, weight in _reference_weights(policy):
            if ".lora_B." in name:
                weight.zero_()
    for _, weight in _reference_weights(policy):
        weight.requires_grad_(False)
        weight.data = weight.data.to(dtype)


@torch.no_grad()
def set_reference_adapter(policy: PeftModel) -> None:
    """Set the reference adapter to the values of the one that is trained."""
    for name, weight in _reference_weights(policy):
        weight.copy_(policy.get_parameter(name.replace(f".{REFERENCE_ADAPTER}.", ".default.")))


def _reference_weights(policy: PeftModel) -> list[tuple[str, nn.Parameter]]:
    return [(name, weight) for name, weight in policy.named_parameters() if f".{REFERENCE_ADAPTER}." in name]


def check_targets(model: PreTrainedModel, tuning: TuningConfig) -> None:
    """Check that every name in `tuning.targets` is a linear module of the model, and none its head.

    Raises:
        ConfigError: listing the linear modules that the model has.
    """
    head = model.get_output_embeddings()
    linear = list(linear_modules(model))
    heads = [name for name, module in model.named_modules() if module is head]
    names = sorted({last_part(name) for name in linear})
    targets = [] if tuning.targets == "all-linear" else tuning.targets
    problems = [
        _target_problem(target, names, heads)
        for target in targets
        if not any(matches([target], name) for name in linear)
    ]
    if problems or not linear or not tuning.targets:
        raise ConfigError(
            f"model.tuning.targets does not fit the model; its linear modules are {', '.join(names) or 'none'}.",
            hint="-s model.tuning.targets=all-linear takes all of them",
            problems=problems,
        )


def _shape(lora: LoraConfig) -> dict[str, Any]:
    """Return what of a LoRA config decides its weights and their scale."""
    targets = lora.target_modules
    return {
        "rank": lora.r,
        "alpha": lora.lora_alpha,
        "rslora": bool(lora.use_rslora),
        "targets": targets if isinstance(targets, str) else sorted({name.rpartition(".")[2] for name in targets or []}),
    }


def _target_problem(target: str, names: list[str], heads: list[str]) -> Problem:
    if any(matches([target], name) for name in heads):
        return Problem("model.tuning.targets", f"{target} is the head, which gets no adapter")
    near = difflib.get_close_matches(target, names, n=1)
    return Problem(
        "model.tuning.targets",
        f"the model has no linear module {target}",
        f"did you mean {near[0]}?" if near else None,
    )
