"""How long a row may be for a model: by its table of positions, or by rotary factors that change with the length."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, PreTrainedConfig, PreTrainedModel

from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError
from leanrl.hints import setting
from leanrl.models.structure.layer_values import layer_values

# Rotary factors that transformers picks anew for each batch, by its longest row (modeling_rope_utils,
# dynamic_rope_update). Others that scale, such as yarn, are fixed by the config.
_BY_LENGTH = ("longrope", "dynamic")
# OPT's table has two rows more than positions, XGLM's as well.
_SPARE_ROWS = 2
_LAYER_COUNTS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")


@dataclass(frozen=True)
class Limit:
    """The most tokens that a row may have, and why it may have no more."""

    num_tokens: int
    reason: str


def require_lengths(config: RunConfig, model_config: PreTrainedConfig) -> None:
    """Check the longest row that a run may have against its model.

    Raises:
        ConfigError: if a row can be longer than the model has positions, or so long that its numbers would depend on
            the rows beside it.
    """
    longest = max(config.max_model_tokens, config.rollout.max_prompt_tokens + config.rollout.max_completion_tokens)
    limit = length_limit(model_config)
    if limit is not None and longest > limit.num_tokens:
        raise ConfigError(
            f"rollout: a row of prompt and completion can have {longest} tokens, and "
            f"{model_config.model_type} takes {limit.num_tokens}: {limit.reason}.",
            hint=_shorter(config, limit.num_tokens),
        )


def warn_of_untrained_lengths(
    config: RunConfig, model_config: PreTrainedConfig, *, longest_prompt_tokens: int
) -> Iterator[str]:
    """Yield a warning where rows can be longer than those that a rotary model was trained on."""
    text = model_config.get_text_config()
    trained = _num_positions(text)
    longest = longest_prompt_tokens + config.rollout.max_completion_tokens
    if any(_rotary(text)) and trained is not None and longest > trained:
        yield (
            f"rows can have {longest_prompt_tokens} + {config.rollout.max_completion_tokens} tokens, and "
            f"max_position_embeddings of the model is {trained}: it was not trained beyond "
            f"({setting('rollout.max_completion_tokens', max(1, trained - longest_prompt_tokens))})"
        )


def length_limit(model_config: PreTrainedConfig) -> Limit | None:
    """Return the most tokens of a row for models that have such a limit, from the config alone."""
    text = model_config.get_text_config()
    limits = [_factor_limit(text, rope) for rope in _rotary(text)]
    found = [limit for limit in limits if limit is not None]
    if found:
        return min(found, key=lambda limit: limit.num_tokens)
    return None if any(_rotary(text)) else _table_limit(model_config)


def _shorter(config: RunConfig, num_tokens: int) -> str:
    rest = num_tokens - config.rollout.max_prompt_tokens
    if rest > 0:
        return setting("rollout.max_completion_tokens", rest)
    half = num_tokens // 2
    return f"{setting('rollout.max_prompt_tokens', half)} {setting('rollout.max_completion_tokens', num_tokens - half)}"


def _rotary(text: PreTrainedConfig) -> Iterator[Mapping[str, Any]]:
    """Yield the rotary parameters of every layer, or of each kind of layers."""
    for parameters in layer_values(text, "rope_parameters"):
        if parameters and "rope_type" in parameters:
            yield parameters
        else:
            yield from (value for value in (parameters or {}).values() if isinstance(value, Mapping))


def _num_positions(text: PreTrainedConfig) -> int | None:
    """Return the positions that every layer knows."""
    known = [value for value in layer_values(text, "max_position_embeddings") if isinstance(value, int)]
    return min(known, default=None)


def _factor_limit(text: PreTrainedConfig, rope: Mapping[str, Any]) -> Limit | None:
    if rope.get("rope_type") not in _BY_LENGTH:
        return None
    original = rope.get("original_max_position_embeddings") if rope["rope_type"] == "longrope" else None
    reason = f"beyond, its {rope['rope_type']} factors depend on the longest row of a batch, and so would every row"
    num_tokens = original or _num_positions(text)
    return None if num_tokens is None else Limit(num_tokens, reason)


def _table_limit(model_config: PreTrainedConfig) -> Limit | None:
    """Return the size of the table that positions are looked up in; models without one take any length."""
    num_positions = _num_positions(model_config.get_text_config())
    if num_positions is None:
        return None
    model = _blueprint(model_config)
    sizes = range(num_positions, num_positions + _SPARE_ROWS + 1)
    has_table = any(table.shape[0] in sizes for table in _tables(model))
    return Limit(num_positions, "its table of positions ends there") if has_table else None


def _blueprint(model_config: PreTrainedConfig) -> PreTrainedModel:
    """Return the model with one layer and without weights."""
    config = copy.deepcopy(model_config)
    for name in _LAYER_COUNTS:
        if hasattr(config, name) and not hasattr(config, "layer_types"):
            setattr(config, name, 1)
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config, attn_implementation="eager")


def _tables(model: PreTrainedModel) -> Iterator[Tensor]:
    """Yield what may be a table of positions: embeddings but those of tokens, buffers, and tensors kept as they are."""
    for module in model.modules():
        if isinstance(module, nn.Embedding) and module is not model.get_input_embeddings():
            yield module.weight
        yield from (tensor for tensor in module._buffers.values() if tensor is not None and tensor.dim() == 2)
        yield from (value for value in vars(module).values() if isinstance(value, Tensor) and value.dim() == 2)
