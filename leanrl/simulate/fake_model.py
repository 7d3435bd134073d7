"""A model without numbers: built by transformers and PEFT on the meta device, then given fake storages."""

from functools import partial
from typing import Any

import torch
from peft import PeftModel, get_peft_model
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, PretrainedConfig, PreTrainedModel

from leanrl.config.schema import ModelConfig
from leanrl.models.adapters.adapter import lora_config
from leanrl.models.structure.attention import usable_attention
from leanrl.models.structure.shape import num_stateful_layers
from leanrl.planner.models.shapes import ModelShape
from leanrl.simulate import attention, stand_ins


def transformers_config(shape: ModelShape) -> PretrainedConfig:
    """Return the config of a model with this shape; what decides no bytes keeps transformers' default."""
    return AutoConfig.for_model(
        shape.family,
        num_hidden_layers=shape.num_layers,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_attention_heads=shape.num_heads,
        num_key_value_heads=shape.num_kv_heads,
        head_dim=shape.head_dim,
        vocab_size=shape.vocab,
        tie_word_embeddings=shape.tied,
        attention_bias=shape.output_bias,
        mlp_bias=shape.mlp_bias,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        **_windows(shape),
    )


def _windows(shape: ModelShape) -> dict[str, Any]:
    """Return the keys of sliding windows; left out, transformers has a window of its own for some families."""
    windows: dict[str, Any] = {"sliding_window": shape.sliding_window, "use_sliding_window": True}
    if shape.family in ("gemma3_text", "qwen2", "qwen3"):
        num_full = shape.num_layers - shape.num_sliding_layers
        windows["layer_types"] = ["sliding_attention"] * shape.num_sliding_layers + ["full_attention"] * num_full
    return windows


def meta_policy(model_config: PretrainedConfig, model: ModelConfig) -> PreTrainedModel | PeftModel:
    """Return the model that a run would train, with its adapter, on the meta device."""
    policy = meta_model(model_config, model)
    if model.tuning.method == "full":
        return policy
    if model.tuning.method == "qlora":
        stand_ins.quantise(policy, compute_dtype=getattr(torch, model.compute_dtype))
    adapted = get_peft_model(policy, lora_config(model.tuning, policy), low_cpu_mem_usage=True)
    for tensor in adapted.parameters():
        if tensor.requires_grad:
            tensor.data = tensor.data.to(getattr(torch, model.tuning.adapter_dtype))
    return adapted


def meta_model(model_config: PretrainedConfig, model: ModelConfig) -> PreTrainedModel:
    """Return the bare model on the meta device, with the attention that it would run on."""
    attention.register()
    build = partial(AutoModelForCausalLM.from_config, model_config, dtype=getattr(torch, model.dtype))
    usable = usable_attention(model_config, model.attention).name
    with torch.device("meta"):
        if usable == "eager":
            return build(attn_implementation="eager")
        try:
            return build(attn_implementation=attention.NAME)
        except KeyError:
            # Families with a class for each implementation know the names of transformers alone.
            return build(attn_implementation="sdpa")


def packs_rows(model: PreTrainedModel) -> bool:
    """Return whether rows of a pack can be kept apart: by the attention that takes their bounds, and by no state."""
    text = model.config.get_text_config()
    takes_bounds = model._supports_attention_backend and text._attn_implementation != "eager"
    return takes_bounds and num_stateful_layers(text) == 0


def materialise(model: nn.Module) -> None:
    """Give every parameter and buffer a storage on the CPU; call it where new tensors are fake.

    Tensors are replaced, not converted: `Module.to` cannot swap a fake parameter.
    """
    made: dict[int, Tensor] = {}

    def twin(tensor: Tensor) -> Tensor:
        if id(tensor) not in made:
            empty = torch.empty(tensor.shape, dtype=tensor.dtype, device="cpu")
            is_parameter = isinstance(tensor, nn.Parameter)
            made[id(tensor)] = nn.Parameter(empty, requires_grad=tensor.requires_grad) if is_parameter else empty
        return made[id(tensor)]

    for module in model.modules():
        for tensors in (module._parameters, module._buffers):
            for name, tensor in list(tensors.items()):
                if tensor is not None:
                    tensors[name] = twin(tensor)
