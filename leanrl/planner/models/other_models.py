"""Keys with which a config.json means another kind of model than what its family's layers are by formula."""

from collections.abc import Mapping
from typing import Any

from leanrl.errors import ConfigError, Problem
from leanrl.planner.layers.activation_functions import activation_of, knows
from leanrl.planner.models.families import family_of
from leanrl.planner.models.family import Family
from leanrl.planner.models.layer_sizes import unknown_layer_keys

# Keys of a layer that is not the family's plain one, and the values with which it is: what else they say is no formula.
_KNOWN_LAYERS = {"full_attention", "sliding_attention"}
_PLAIN: dict[str, tuple[Any, ...]] = {
    "use_qk_norm": (False,),
    "clip_qkv": (),
    "per_layer_config": ({},),
    "qk_layernorm": (False,),
    "add_cross_attention": (False,),
    "do_layer_norm_before": (True,),
    "_remove_final_layer_norm": (False,),
    "layer_norm_elementwise_affine": (True,),
    "enable_moe_block": (False,),
    "use_bidirectional_attention": (False, True, "vision"),
}
# Keys whose plain value is another key's.
_SAME = {"word_embed_proj_dim": "hidden_size"}
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


def unknown_terms(config: Mapping[str, Any], where: str) -> list[Problem]:
    """Return what a config says of its layers for which there is no formula; experts go before all else."""
    terms = family_of(config["model_type"])
    experts = expert_problems(config, where)
    if experts:
        return experts
    kinds = config.get("layer_types")
    known = _KNOWN_LAYERS | {kind for kind, _ in [terms.mixing or (None, None)]}
    unknown = sorted({str(kind) for kind in kinds} - known) if isinstance(kinds, list) else []
    problems = [Problem(where, f"layer_types has {kind!r}, for which leanrl has no formula") for kind in unknown]
    if config.get("attn_logit_softcapping") and not terms.caps_attention:
        problems.append(Problem(where, "attn_logit_softcapping is set, for which leanrl has no formula"))
    problems += [*parallel_problems(config, terms, where), *unknown_layer_keys(config, terms, where)]
    activation = activation_of(config)
    if not knows(activation, has_gate=terms.has_gate):
        problems.append(Problem(where, f"has the activation {activation!r}, for which leanrl has no formula"))
    plain = {key: values for key, values in _PLAIN.items() if key != "per_layer_config" or not terms.sizes_by_layer}
    return problems + [
        Problem(where, f"{key} is {config[key]!r}, for which leanrl has no formula")
        for key, values in (*plain.items(), *((key, (config.get(same),)) for key, same in _SAME.items()))
        if config.get(key) is not None and config[key] not in values
    ]


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
