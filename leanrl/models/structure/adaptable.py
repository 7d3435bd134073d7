"""Where a LoRA adapter can go, read from a model's structure: it needs the modules, and none of their weights."""

import functools
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping

from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from leanrl.models.structure.layer_values import layer_configs

# A reason of `out_of_reach`.
SHARED = "its weight is another module's too"


def linear_modules(model: PreTrainedModel) -> dict[str, nn.Module]:
    """Return the linear modules by name; the head gets no adapter and is left out."""
    head = model.get_output_embeddings()
    return {name: module for name, module in model.named_modules() if is_linear(module) and module is not head}


def is_linear(module: nn.Module) -> bool:
    """Whether PEFT's all-linear takes it."""
    return isinstance(module, nn.Linear | Conv1D)


def out_of_reach(model: PreTrainedModel) -> dict[str, str]:
    """Return the linear modules that can have no adapter, with the reason; all-linear leaves them out.

    It would not act, or could not be folded back.
    """
    reasons = dict.fromkeys(_of_its_own_kind(model), "its output is more than a product")
    reasons |= dict.fromkeys(read_past_the_module(model), "its weight is read past the module")
    reasons |= dict.fromkeys(_beside_the_decoder(model), "text does not run through it")
    reasons |= dict.fromkeys(of_several_modules(model), SHARED)
    return {name: reasons[name] for name in linear_modules(model) if name in reasons}


def of_several_modules(model: nn.Module) -> dict[str, str]:
    """Return the linear modules whose weight is also another module's, with the name of that module.

    Zamba's layers share blocks of attention and MLP. An adapter belongs to one module: what it adds to the shared
    weight would act in all of them. A module that stands in two places is a case of the same.
    """
    owners: dict[int, list[str]] = {}
    modules = dict(model.named_modules(remove_duplicate=False))
    for name, module in modules.items():
        if isinstance(weight := module._parameters.get("weight"), Tensor):
            owners.setdefault(id(weight), []).append(name)
    groups = (names for names in owners.values() if len(names) > 1)
    return {
        name: next(other for other in names if other != name)
        for names in groups
        for name in names
        if is_linear(modules[name])
    }


def can_be_nf4(model: PreTrainedModel) -> bool:
    """Whether bitsandbytes quantises any layer: it leaves subclasses as they are, such as all of Falcon's."""
    return any(type(module) in (nn.Linear, Conv1D) for module in linear_modules(model).values())


def out_of_reach_summary(left_out: Mapping[str, str]) -> list[str]:
    """Return one line for each reason, with the last parts of the names."""
    leaves: dict[str, set[str]] = {}
    for name, reason in left_out.items():
        leaves.setdefault(reason, set()).add(last_part(name))
    return [f"{', '.join(sorted(names))}: {reason}" for reason, names in leaves.items()]


def fused_experts(model: PreTrainedModel) -> list[str]:
    """Return the weights that hold several experts in one tensor: no linear modules, so an adapter cannot be folded in.

    They are told by their axes: experts, as many as the config says, outputs, inputs. Others have three axes too, such
    as convolutions and the gates of a recurrent block, one matrix for each head.
    """
    counts = _numbers_of_experts(model)
    return [
        f"{name}.{weight_name}"
        for name, module in model.named_modules()
        if not isinstance(module, nn.Conv1d)
        for weight_name, weight in module.named_parameters(recurse=False)
        if weight.dim() == 3 and min(weight.shape) > 1 and weight.shape[0] in counts
    ]


def _numbers_of_experts(model: PreTrainedModel) -> set[int]:
    """Return what the config says under any key of experts: num_experts, num_local_experts, n_routed_experts, ..."""
    layers = layer_configs(model.config.get_text_config())
    values = (value for layer in layers for key, value in vars(layer).items() if "expert" in key)
    return {count for value in values for count in (value if isinstance(value, list | tuple) else [value]) if count}


def last_part(name: str) -> str:
    """Return the part of a module's name by which PEFT finds it in every layer."""
    return name.rpartition(".")[2]


def matches(targets: Iterable[str], module: str) -> bool:
    """Whether a target means the module, by PEFT's own rule: the whole name, or its last parts."""
    return any(module == target or module.endswith(f".{target}") for target in targets)


def _beside_the_decoder(model: PreTrainedModel) -> Iterator[str]:
    """Of a multimodal model: the parts that see pictures or sound."""
    decoder = model.get_decoder()
    inside = set(decoder.modules())
    return (name for name, module in linear_modules(model).items() if module not in inside)


def read_past_the_module(model: PreTrainedModel) -> Iterator[str]:
    """Yield the linear modules whose weights a layer takes itself, as Mamba's fused kernels do.

    An adapter is in the module's forward. On machines without these kernels it would act, so no run of the model could
    tell. An NF4 weight is packed, and nothing but the module can multiply by it.
    """
    for parent_name, parent in model.named_modules():
        for child_name, child in parent.named_children():
            if is_linear(child) and re.search(rf"\bself\.{child_name}\.weight\b", _source(type(parent))):
                yield f"{parent_name}.{child_name}".removeprefix(".")


def _of_its_own_kind(model: PreTrainedModel) -> Iterator[str]:
    """A family's own subclass, such as Llama 4's router, whose result PEFT cannot add to."""
    for name, module in linear_modules(model).items():
        kind = type(module)
        if kind.__module__.startswith("transformers.models.") and "forward" in vars(kind):
            weight = module.weight
            output = module(weight.new_empty(1, module.in_features))
            if not isinstance(output, Tensor):
                yield name


@functools.cache
def _source(module_class: type[nn.Module]) -> str:
    try:
        return inspect.getsource(module_class)
    except (OSError, TypeError):  # made at run time, as FSDP2's are
        return ""
