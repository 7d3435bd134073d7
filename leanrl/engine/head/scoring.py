"""The head of a causal language model, taught to score chosen tokens instead of returning logits.

Axes: B completions, S tokens of the longest row, T scored tokens, H hidden.
"""

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel

from leanrl.algorithms.logprobs import HeadGradient, LogitShape, token_logprobs
from leanrl.engine.attention.windows import window_mask
from leanrl.engine.head.logit_shape import UnknownLogitsError, decoder_of, measure_logit_shape
from leanrl.errors import ConfigError


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
    shape = require_known_head(model)
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


def _gradient_route(weight: Tensor, embedding_weight: Tensor) -> HeadGradient:
    """Return how the head's gradient reaches `.grad`; decided at each forward, since wrappers come later.

    Written straight into `.grad` it takes no second tensor of the head's size. DDP and FSDP2 read `.grad`, in
    buckets and after the unsharded weight's backward, so they see all of it. A hook on the tensor itself sees what
    autograd hands on instead, and so does a weight that is computed from another.
    """
    if not weight.is_leaf or weight._backward_hooks:
        return "returned"
    return "added_silently" if weight is embedding_weight else "added"


def head_problem(model: PreTrainedModel) -> str | None:
    """Return what of the model's head the tiled head does not compute, or None; it needs no weights."""
    head = model.get_output_embeddings()
    family = model.config.get_text_config().model_type
    if not isinstance(head, nn.Linear):
        cause = f"{family} has a head of type {type(head).__name__}"
    elif head.bias is not None:
        cause = f"{family} has a bias on the head"
    elif not head.weight.is_floating_point():
        cause = f"{family} has a head in {head.weight.dtype}"
    else:
        try:
            measure_logit_shape(type(model), model.config)
            return None
        except UnknownLogitsError as error:
            cause = str(error)
    return f"{cause}, which leanrl's tiled head does not compute"


def require_known_head(model: PreTrainedModel) -> LogitShape:
    """Return what the family does to its logits.

    Raises:
        ConfigError: if the head is one that `token_logprobs` would get wrong.
    """
    problem = head_problem(model)
    if problem is not None:
        raise ConfigError(
            f"model.id: {problem}.",
            hint="docs/models.md lists what trains; leave the head out of model.tuning.targets",
        )
    return measure_logit_shape(type(model), model.config)
