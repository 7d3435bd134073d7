"""The head of a causal language model, taught to score chosen tokens instead of returning logits.

Axes: B completions, S tokens of the longest row, T scored tokens, H hidden.
"""

import functools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

from leanrl.algorithms.logprobs import HeadGradient, LogitShape, token_logprobs
from leanrl.engine.windows import window_mask
from leanrl.errors import ConfigError

# Config keys with which a family changes its logits after the head (transformers 5.17, modeling files). The family
# counts: Granite divides by `logits_scaling`, HyperCLOVA X multiplies with it.
_SOFTCAPS = {"gemma": "final_logit_softcapping"}
_FACTORS = {"cohere": "logit_scale", "falcon_h1": "lm_head_multiplier"}
_DIVISORS = {"granite": "logits_scaling"}
_KEYS = (*_SOFTCAPS.values(), *_FACTORS.values(), *_DIVISORS.values(), "output_multiplier", "dim_model_base")


def attach_logprob_head(
    model: PreTrainedModel, *, saved_tensors: Callable[[], AbstractContextManager[object]] | None = None
) -> None:
    """Let `model(..., positions_B_T=, target_ids_B_T=, temperature=)` return (logprobs_B_T, entropies_B_T).

    Without these arguments the model's forward is what it was, so that generation is unchanged. The scored
    path goes through the model's own `forward`, hence through whatever wraps it (DDP, FSDP2, PEFT, autocast).

    Args:
        model: the bare model.
        saved_tensors: makes the context in which the decoder layers run and save what their backward pass needs.

    Raises:
        ConfigError: if the model's head is one that `token_logprobs` would get wrong.
    """
    _refuse_unknown_head(model)
    shape = _logit_shape(model.config.get_text_config())
    original_forward = model.forward

    @functools.wraps(original_forward)
    def forward(
        *args: Any,
        positions_B_T: Tensor | None = None,
        target_ids_B_T: Tensor | None = None,
        temperature: float = 1.0,
        **kwargs: Any,
    ) -> Any:
        if positions_B_T is None or target_ids_B_T is None:
            return original_forward(*args, **kwargs)
        # PEFT hands every argument of a causal model on, mostly as None; the decoder knows only its own.
        given = {name: value for name, value in kwargs.items() if value is not None}
        if "row_bounds" not in given:
            given.setdefault("attention_mask", window_mask(model, args[0] if args else given["input_ids"]))
        with nullcontext() if saved_tensors is None else saved_tensors():
            hidden_B_S_H = decoder_of(model)(*args, use_cache=False, **given).last_hidden_state
        hidden_size = hidden_B_S_H.shape[-1]
        index_B_T_H = positions_B_T[:, :, None].expand(-1, -1, hidden_size)
        hidden_N_H = hidden_B_S_H.gather(1, index_B_T_H).reshape(-1, hidden_size)
        weight = model.get_output_embeddings().weight
        logprobs_N, entropies_N = token_logprobs(
            hidden_N_H,
            weight,
            target_ids_B_T.reshape(-1),
            temperature=temperature,
            shape=shape,
            head_gradient=_gradient_route(weight, model.get_input_embeddings().weight),
        )
        return logprobs_N.view(target_ids_B_T.shape), entropies_N.view(target_ids_B_T.shape)

    model.forward = forward


def decoder_of(model: PreTrainedModel) -> nn.Module:
    """Return the part of the model that gives hidden states; where transformers names none, the one model in it."""
    inner = model.base_model
    if inner is not model:
        return inner
    (decoder,) = (child for child in model.children() if isinstance(child, PreTrainedModel))
    return decoder


def _gradient_route(weight: Tensor, embedding_weight: Tensor) -> HeadGradient:
    """Return how the head's gradient reaches `.grad`; decided at each forward, since wrappers come later.

    Written straight into `.grad` it takes no second tensor of the head's size. DDP and FSDP2 read `.grad`, in
    buckets and after the unsharded weight's backward, so they see all of it. A hook on the tensor itself sees what
    autograd hands on instead, and so does a weight that is computed from another.
    """
    if not weight.is_leaf or weight._backward_hooks:
        return "returned"
    return "added_silently" if weight is embedding_weight else "added"


def _logit_shape(config: PretrainedConfig) -> LogitShape:
    factor = _family_value(config, _FACTORS) or 1.0
    return LogitShape(
        scale=factor / (_family_value(config, _DIVISORS) or 1.0), softcap=_family_value(config, _SOFTCAPS)
    )


def _family_value(config: PretrainedConfig, keys: Mapping[str, str]) -> float | None:
    value = getattr(config, _family_key(config, keys) or "", None)
    return None if value is None else float(value)


def _family_key(config: PretrainedConfig, keys: Mapping[str, str]) -> str | None:
    return next((key for family, key in keys.items() if config.model_type.startswith(family)), None)


def unsupported_head(model: PreTrainedModel) -> list[str]:
    """Return what of the model's head `token_logprobs` would get wrong; a model without weights tells as well."""
    config = model.config.get_text_config()
    head = model.get_output_embeddings()
    known = {_family_key(config, keys) for keys in (_SOFTCAPS, _FACTORS, _DIVISORS)}
    changes = [key for key in _KEYS if key not in known and getattr(config, key, None) not in (None, 1, 1.0)]
    causes = [f"{key} in its config" for key in changes]
    if not isinstance(head, nn.Linear):
        causes.append(f"a head of type {type(head).__name__}")
    elif head.bias is not None:
        causes.append("a bias on the head")
    elif not head.weight.is_floating_point():
        causes.append(f"a head in {head.weight.dtype}")
    return causes


def _refuse_unknown_head(model: PreTrainedModel) -> None:
    causes = unsupported_head(model)
    if causes:
        raise ConfigError(
            f"model.id: {model.config.model_type} has {', '.join(causes)}, which leanrl's tiled head does not compute.",
            hint="choose a model of the Llama, Qwen, Mistral, SmolLM, Gemma, Granite, Cohere or Phi-3 families, "
            "and leave the head out of model.tuning.targets",
        )
