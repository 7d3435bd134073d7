"""An adapter on its base, and folded into it: W + scale * B A."""

from pathlib import Path

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import PreTrainedModel

from leanrl.errors import ConfigError
from leanrl.models.structure.adaptable import of_several_modules
from leanrl.models.weights.compare import refuse

_REMEDY = "check that the base is the one it was trained on: -s model.id in the run, base_model_name_or_path elsewhere"


def attach_adapter(base: PreTrainedModel, folder: Path, *, is_trainable: bool = False) -> PeftModel:
    """Return `base` with the adapter of `folder` attached, all of it.

    PEFT only warns where the file and the model name different modules, and leaves those without effect.

    Raises:
        ConfigError: if the adapter does not belong to this base, or holds numbers that are not finite.
    """
    weights = _read_weights(folder)
    broken = [name for name, weight in weights.items() if not bool(weight.isfinite().all())]
    if broken:
        raise ConfigError(
            f"the adapter in {folder} holds numbers that are not finite, the first in {broken[0]}.",
            hint="merge an earlier checkpoint of the run",
        )
    _require_same_sizes(base, weights, folder)
    try:
        policy = PeftModel.from_pretrained(base, str(folder), is_trainable=is_trainable)
    except (RuntimeError, ValueError) as error:
        raise ConfigError(f"the adapter in {folder} does not fit its base: {error}", hint=_REMEDY) from error
    wanted = {name for name in policy.state_dict() if ".lora_" in name}
    given = {name.replace(".weight", ".default.weight") for name in weights}
    if wanted != given:
        first = sorted(wanted ^ given)[0]
        raise ConfigError(
            f"the adapter in {folder} does not fit its base: {len(wanted ^ given)} weights are on one side only, "
            f"the first is {first}.",
            hint=_REMEDY,
        )
    _require_values(policy, weights, folder)
    return policy


def _require_values(policy: PeftModel, weights: dict[str, Tensor], folder: Path) -> None:
    """Compare what PEFT holds, in fp32 as a rule, with the file: a wider dtype holds the same values."""
    held, found = policy.state_dict(), []
    for name, saved in weights.items():
        own = held[name.replace(".weight", ".default.weight")].cpu().to(saved.dtype)
        found += [] if torch.equal(own, saved) else [f"{name} has other values than in the file"]
    refuse(found, folder)


def _read_weights(folder: Path) -> dict[str, Tensor]:
    file = folder / "adapter_model.safetensors"
    try:
        return load_file(file)
    except SafetensorError as error:
        raise ConfigError(
            f"{file} cannot be read: {error}.",
            hint="take an earlier checkpoint; `leanrl merge RUN --inspect` tells which",
        ) from error


def _require_same_sizes(base: PreTrainedModel, weights: dict[str, Tensor], folder: Path) -> None:
    """Compare the inputs of A and the outputs of B; PEFT's own error is hundreds of lines long."""
    hidden = base.config.get_text_config().hidden_size
    modules = dict(base.named_modules())
    differences = []
    for name, weight in weights.items():
        module, _, side = name.removeprefix("base_model.model.").rpartition(".lora_")
        layer = modules.get(module)
        what, axis = ("in_features", 1) if side == "A.weight" else ("out_features", 0)
        size = getattr(layer, what, weight.shape[axis])
        if side == "A.weight" and size == hidden != weight.shape[axis]:
            differences.insert(0, f"it is of hidden size {weight.shape[axis]}, and this base of {hidden}")
        elif size != weight.shape[axis]:
            differences.append(f"{module} has {weight.shape[axis]} {what} there, and {size} in this base")
    if differences:
        raise ConfigError(f"the adapter in {folder} belongs to another base: {differences[0]}.", hint=_REMEDY)


@torch.no_grad()
def fold_adapter(policy: PeftModel) -> tuple[PreTrainedModel, int]:
    """Return the base with its adapter folded in, and how many modules were folded; `policy` is used up.

    The base has to be fp32, to be rounded once afterwards: a sum in bf16 would round an adapter's small steps
    away before anything is saved. It has to be a copy of its own, never one that is still trained or sampled
    from: subtracting the adapter again does not give a rounded base back.

    Raises:
        ConfigError: if two adapters are on one weight: each would act in the other's module as well.
        ValueError: if a base weight is not fp32.
    """
    _require_a_weight_each(policy)
    num_folded = 0
    for module in policy.modules():
        if not isinstance(module, LoraLayer):
            continue
        weight = module.get_base_layer().weight
        if weight.dtype != torch.float32:
            raise ValueError(f"the base is {weight.dtype}; fold into fp32 and round once.")
        weight += _delta(module)
        num_folded += 1
    return policy.unload(), num_folded


def _require_a_weight_each(policy: PeftModel) -> None:
    shared = of_several_modules(policy.get_base_model())
    adapted = [name for name, module in policy.get_base_model().named_modules() if isinstance(module, LoraLayer)]
    lost = {name: other for name in adapted if (other := shared.get(f"{name}.base_layer")) is not None}
    if lost:
        name, other = next(iter(lost.items()))
        raise ConfigError(
            f"the adapter cannot be folded into its base: {len(lost)} of its modules share their weight with another "
            f"module, the first is {name} with {other.removesuffix('.base_layer')}.",
            hint="serve base and adapter apart; -s model.tuning.targets=all-linear trains without these modules",
        )


def _delta(layer: LoraLayer) -> Tensor:
    """Return scale * B A in the shape of the base weight; Conv1D (GPT-2) keeps its weight transposed."""
    (adapter,) = layer.active_adapters
    delta = layer.lora_B[adapter].weight.float() @ layer.lora_A[adapter].weight.float() * layer.scaling[adapter]
    return delta.T if layer.fan_in_fan_out else delta
