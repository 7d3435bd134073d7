"""Keys with which a config.json means another kind of model than what its family's layers are by formula."""

from collections.abc import Mapping
from typing import Any

from leanrl.errors import ConfigError, Problem
from leanrl.planner.models.families import Family

# With these some families put attention and MLP side by side.
_PARALLEL_BLOCKS = ("use_parallel_residual", "parallel_attn", "parallel_residual")


def require_decoder(config: Mapping[str, Any], *, where: str) -> None:
    """Refuse an encoder-decoder, of which transformers may load the decoder alone as another model.

    Raises:
        ConfigError: if it is one.
    """
    if config.get("is_encoder_decoder"):
        raise ConfigError(
            f"{where} is an encoder-decoder's (is_encoder_decoder; model_type {config.get('model_type')!r}). "
            "leanrl trains decoders alone.",
            hint="`-s model.id=...` with a causal language model, such as Qwen/Qwen2.5-1.5B-Instruct",
        )


def expert_problems(config: Mapping[str, Any], where: str) -> list[Problem]:
    """Any key of experts that says how many; of other families the key is their own."""
    keys = [key for key, value in config.items() if "expert" in key and value and value is not True]
    if not keys:
        return []
    return [Problem(where, f"is a mixture of experts ({', '.join(keys)}), for which leanrl has no formula")]


def parallel_problems(config: Mapping[str, Any], terms: Family, where: str) -> list[Problem]:
    """Attention and MLP side by side in a family that has them one after the other."""
    return [
        Problem(where, f"{key} is {config[key]!r}: attention and MLP side by side, for which there is no formula here")
        for key in _PARALLEL_BLOCKS
        if config.get(key) and key not in terms.parallel_keys
    ]
