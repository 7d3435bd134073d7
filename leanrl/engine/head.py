"""The head of a causal language model, taught to score chosen tokens instead of returning logits.

Axes: B completions, S tokens of the longest row, T scored tokens, H hidden.
"""

import functools
from typing import Any

from torch import Tensor
from transformers import PreTrainedModel

from leanrl.algorithms.logprobs import token_logprobs
from leanrl.errors import ConfigError

# Config keys with which a model family changes its logits after the head; token_logprobs knows none of them.
_LOGIT_CHANGES = ("final_logit_softcapping", "logit_scale", "logits_scaling", "output_multiplier", "lm_head_multiplier")


def attach_logprob_head(model: PreTrainedModel) -> None:
    """Let `model(..., positions_B_T=, target_ids_B_T=, temperature=)` return (logprobs_B_T, entropies_B_T).

    Without these arguments the model's forward is what it was, so that generation is unchanged. The scored
    path goes through the model's own `forward`, hence through whatever wraps it (DDP, PEFT, autocast).

    Raises:
        ConfigError: if the model's head is one that `token_logprobs` would get wrong.
    """
    _refuse_unknown_head(model)
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
        hidden_B_S_H = model.base_model(*args, use_cache=False, **given).last_hidden_state
        hidden_size = hidden_B_S_H.shape[-1]
        index_B_T_H = positions_B_T[:, :, None].expand(-1, -1, hidden_size)
        hidden_N_H = hidden_B_S_H.gather(1, index_B_T_H).reshape(-1, hidden_size)
        logprobs_N, entropies_N = token_logprobs(
            hidden_N_H, model.get_output_embeddings().weight, target_ids_B_T.reshape(-1), temperature=temperature
        )
        return logprobs_N.view(target_ids_B_T.shape), entropies_N.view(target_ids_B_T.shape)

    model.forward = forward


def _refuse_unknown_head(model: PreTrainedModel) -> None:
    config = model.config.get_text_config()
    changes = [name for name in _LOGIT_CHANGES if getattr(config, name, None) not in (None, 1, 1.0)]
    if getattr(model.get_output_embeddings(), "bias", None) is not None:
        changes.append("a bias on the head")
    if changes:
        raise ConfigError(
            f"model.id: {config.model_type} changes its logits by {', '.join(changes)}, which leanrl's head "
            "does not compute.",
            hint="choose a model of the Llama, Qwen2, Qwen3, Mistral, SmolLM or Phi-3 families",
        )
