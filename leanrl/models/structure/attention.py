"""The attention that a model can run on, where the one that was asked for would leave something out."""

import re
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

from leanrl.errors import ConfigError
from leanrl.hints import setting
from leanrl.models.structure.layer_values import layer_configs

# transformers hands a cap on attention's logits to every implementation, and its sdpa drops it without an error
# (transformers 5.17, integrations/sdpa_attention.py). attn_logit_softcapping in Gemma 2 and VaultGemma.
_CAP = re.compile(r"att\w*(softcap|logit_cap)")


@dataclass(frozen=True)
class Attention:
    """An implementation by its name in transformers, and why it is not the one that was asked for."""

    name: str
    reason: str | None = None


def usable_attention(config: PreTrainedConfig, asked: str) -> Attention:
    """Return `asked`, or eager where transformers' sdpa does not compute what this model computes.

    Raises:
        ConfigError: if the model has no FlashAttention and that was asked for.
    """
    model_class: Any = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)
    if model_class is None:
        return Attention(asked)
    if asked == "flash_attention_2" and not model_class._supports_flash_attn:
        raise ConfigError(
            f"model.attention: {config.model_type} does not run on flash_attention_2 in transformers.",
            hint=setting("model.attention", usable_attention(config, "sdpa").name),
        )
    if asked != "sdpa":
        return Attention(asked)
    if not model_class._supports_sdpa:
        return Attention("eager", f"{config.model_type} does not run on sdpa in transformers")
    caps = _caps(config)
    if caps:
        return Attention("eager", f"{config.model_type} has {', '.join(caps)} in its config, which sdpa leaves out")
    return Attention(asked)


def _caps(config: PreTrainedConfig) -> list[str]:
    layers = layer_configs(config.get_text_config())
    return sorted({key for layer in layers for key, value in vars(layer).items() if _CAP.search(key) and value})
