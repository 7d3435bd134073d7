"""A base in 4 bits: NF4 with double quantisation, computed in bf16, by bitsandbytes on a GPU or a CPU.

Source: QLoRA, arXiv 2305.14314, sec. 3.
"""

from importlib.util import find_spec
from typing import Any

import torch
from torch import nn
from transformers import BitsAndBytesConfig, PreTrainedConfig, PreTrainedModel
from transformers.pytorch_utils import Conv1D
from transformers.quantizers.base import get_keys_to_not_convert

from leanrl.errors import ConfigError, MissingError
from leanrl.machine.installation import install_extras
from leanrl.models.structure.adaptable import read_past_the_module
from leanrl.models.structure.empty_model import empty_model


def nf4_settings(model_config: PreTrainedConfig) -> BitsAndBytesConfig:
    """Return how 16-bit weights are quantised as they are loaded.

    Embedding, head and the weights that layers read past their modules stay 16-bit.
    """
    model = empty_model(model_config)
    read_past = list(read_past_the_module(model))
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
        # A list takes the place of the modules that transformers keeps by itself.
        llm_int8_skip_modules=[*get_keys_to_not_convert(model), *read_past] if read_past else None,
    )


def require_bitsandbytes() -> None:
    """Check that the package is there.

    Raises:
        MissingError: if it is not.
    """
    if find_spec("bitsandbytes") is None:
        raise MissingError(
            "the base is to be held in NF4, and the package bitsandbytes is not installed.",
            hint=f"{install_extras('qlora')}, or -s model.tuning.method=lora",
        )


def is_quantised(config: PreTrainedConfig) -> bool:
    """Whether the files of the model are quantised already, in whatever way."""
    return getattr(config, "quantization_config", None) is not None


def require_nf4(config: PreTrainedConfig, *, where: str) -> None:
    """Check that a checkpoint that is quantised already is NF4 of bitsandbytes.

    Raises:
        ConfigError: naming what it is instead.
    """
    settings: Any = config.quantization_config
    if not isinstance(settings, dict):
        settings = settings.to_dict()
    kind = settings.get("bnb_4bit_quant_type") if settings.get("load_in_4bit") else None
    if settings.get("quant_method") != "bitsandbytes" or kind != "nf4":
        found = " ".join(str(word) for word in (settings.get("quant_method", "an unknown way"), kind) if word)
        raise ConfigError(
            f"{where} is quantised by {found}; leanrl trains on 16-bit weights, or on NF4 by bitsandbytes.",
            hint="-s model.id=... with the model it was quantised from",
        )


def is_nf4_checkpoint(model: PreTrainedModel) -> bool:
    """Whether the files of an NF4 model are NF4 themselves, so that there is no 16-bit original beside them."""
    return bool(model.hf_quantizer.pre_quantized)


def settle_layers(model: PreTrainedModel) -> None:
    """Let every NF4 layer compute in bf16, in one packing for training and generation.

    On CPUs with AVX512-BF16 bitsandbytes repacks a layer in place the first time it runs in eval mode. The packed
    kernel has no backward pass, so that training after an evaluation would go on without the gradient through the
    base; it also rounds the scales to bf16, so that the policy that samples would differ from the one that trains.
    """
    for layer in nf4_layers(model).values():
        layer.support_avx512bf16_for_cpu = False
        layer.compute_dtype = torch.bfloat16
        layer.compute_type_is_set = True


@torch.no_grad()
def dequantise(model: PreTrainedModel) -> PreTrainedModel:
    """Return the model with each NF4 layer replaced by a linear one of the bf16 values it computes with."""
    transposed = [name for name, layer in nf4_layers(model).items() if getattr(layer, "source_cls", None) is Conv1D]
    plain = model.dequantize(dtype=torch.bfloat16)
    for name in transposed:
        plain.set_submodule(name, _conv1d(plain.get_submodule(name)))
    # transformers leaves these, and PEFT and TRL go by them.
    for name in ("is_loaded_in_4bit", "is_4bit_serializable"):
        delattr(plain, name)
    # save_pretrained would undo what was done to the files of a checkpoint that was NF4 already.
    plain._weight_conversions = [how for how in plain._weight_conversions if not _reads_nf4(how)]
    return plain


def _conv1d(linear: nn.Module) -> Conv1D:
    """Return a linear layer as GPT-2 keeps it, with its weight transposed; transformers leaves it as it was in NF4."""
    out_features, in_features = linear.weight.shape
    layer = Conv1D(out_features, in_features)
    layer.weight = nn.Parameter(linear.weight.T.contiguous())
    layer.bias = linear.bias
    return layer


def nf4_layers(model: nn.Module) -> dict[str, Any]:
    """Return the NF4 layers of a model by name."""
    from bitsandbytes.nn import Linear4bit

    return {name: module for name, module in model.named_modules() if isinstance(module, Linear4bit)}


def _reads_nf4(conversion: Any) -> bool:
    from transformers.integrations.bitsandbytes import Bnb4bitDeserialize

    return any(isinstance(operation, Bnb4bitDeserialize) for operation in getattr(conversion, "operations", ()))
