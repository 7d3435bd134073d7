"""What a run loads: the model that is trained, and its tokenizer."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
from transformers.utils import GENERATION_CONFIG_NAME, cached_file

from leanrl.config.schema import ModelConfig
from leanrl.errors import ConfigError, MissingError
from leanrl.hints import setting
from leanrl.models.adapters.adapter import check_targets
from leanrl.models.adapters.adapter import lora_config as lora_config  # the simulation takes it from here
from leanrl.models.chat_template import read_template, try_template
from leanrl.models.locate import LocatedModel
from leanrl.models.structure.attention import usable_attention
from leanrl.models.weights.nf4 import is_quantised, nf4_settings, require_bitsandbytes, require_nf4, settle_layers
from leanrl.prompting.generation import read_generation_fields, valid_generation
from leanrl.prompting.stopping import Stopping, special_ids, stopping_of_files
from leanrl.storage.home import expanded

# (dtype of the weights, dtype of the forward pass)
_DTYPES = {("bfloat16", "bfloat16"), ("float32", "bfloat16"), ("float32", "float32")}

# Tokens that models of these families keep for padding, in the order they are tried. A new token is never
# added: it would need a row in the embedding that the weights do not have.
_PAD_TOKENS = ("<|pad|>", "<pad>", "[PAD]", "<|finetune_right_pad_id|>", "<|fim_pad|>", "<|endoftext|>")


def load_policy(model: ModelConfig, located: LocatedModel, *, device: str) -> PreTrainedModel:
    """Return the model in `model.dtype` on `device`, ready to be trained or to be given an adapter.

    For QLoRA its linear layers are NF4, quantised on `device` unless the files are quantised already.

    Raises:
        ConfigError: if the files hold no causal language model of transformers, or the adapter has no target.
        MissingError: for what this version or this environment does not have.
    """
    _require_supported(model)
    config = causal_config(located)
    if model.tuning.method == "qlora":
        policy = _load_nf4(located, config, attention=model.attention, device=device)
    else:
        _refuse_quantised(config, located)
        policy = load_as_saved(located, dtype=getattr(torch, model.dtype), attention=model.attention).to(device)
    # Training reads every position once, so a cache would only hold memory; generate asks for its own.
    policy.config.use_cache = False
    policy.generation_config.use_cache = True
    if model.tuning.method != "full":
        check_targets(policy, model.tuning)
    return policy


def load_as_saved(
    located: LocatedModel, *, dtype: torch.dtype | Literal["auto"], attention: str = "sdpa", **more: Any
) -> PreTrainedModel:
    """Return the model as its files describe it; `auto` keeps the dtype of the files.

    It lies on the CPU unless `more`, which goes to transformers, names a device map. It runs on `attention`, or on
    what `usable_attention` takes in its place.

    Raises:
        ConfigError: if the files lack weights, or hold no causal language model of transformers.
    """
    model, loading = AutoModelForCausalLM.from_pretrained(
        located.path_or_id,
        **only_local(located),
        dtype=dtype,
        attn_implementation=usable_attention(causal_config(located), attention).name,
        use_safetensors=True,
        output_loading_info=True,
        **_own_generation(located),
        **more,
    )
    _require_all_weights(loading, located)
    return model


def stopping_without_weights(tokenizer: PreTrainedTokenizerBase, located: LocatedModel) -> Stopping:
    """Return the stopping of a model by its files alone, as `stopping_of` does for a loaded one."""
    config = causal_config(located).get_text_config()
    generation = _own_generation(located).get("generation_config")
    return stopping_of_files(tokenizer, config=config, generation=generation, num_rows=config.vocab_size)


def _own_generation(located: LocatedModel) -> dict[str, Any]:
    """Return the model's generation_config without fields that transformers would refuse to read or to save."""
    file = cached_file(
        located.path_or_id, GENERATION_CONFIG_NAME, **only_local(located), _raise_exceptions_for_missing_entries=False
    )
    return {} if file is None else {"generation_config": valid_generation(read_generation_fields(Path(file)))}


def causal_config(located: LocatedModel) -> PreTrainedConfig:
    """Return the config alone, so that a model that cannot be trained is named before its weights are touched.

    Raises:
        ConfigError: if the files hold no causal language model of transformers.
    """
    try:
        config = AutoConfig.from_pretrained(located.path_or_id, **only_local(located))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{located.path_or_id} is no model that transformers knows: {first_line(error)}",
            hint=_code_hint(error, located) or "-s model.id=... with a causal language model of transformers",
        ) from error
    is_own_code = located.trust_remote_code and "AutoModelForCausalLM" in (getattr(config, "auto_map", None) or {})
    if config.model_type not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and not is_own_code:
        raise ConfigError(
            f"{located.path_or_id} is a {config.model_type}, which is no causal language model.",
            hint="-s model.id=... with a causal language model",
        )
    return config


def load_tokenizer(model: ModelConfig, located: LocatedModel) -> PreTrainedTokenizerBase:
    """Return the tokenizer with a pad token, and with the chat template of `model.chat_template` where one is named.

    Raises:
        ConfigError: if the template cannot be used, or the tokenizer takes completions apart by itself.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(located.path_or_id, **only_local(located))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"the tokenizer of {located.path_or_id} cannot be loaded: {first_line(error)}",
            hint=_code_hint(error, located) or "the folder of a model holds tokenizer.json and tokenizer_config.json",
        ) from error
    _refuse_response_parser(tokenizer, located)
    _ensure_pad_token(tokenizer, num_rows=embedding_rows(located))
    if model.chat_template is not None:
        tokenizer.chat_template = read_template(expanded(model.chat_template))
        try_template(tokenizer, model)
    return tokenizer


def load_nf4(located: LocatedModel, *, device: str) -> PreTrainedModel:
    """Return the model in NF4, as a QLoRA run trains on it.

    Raises:
        MissingError: if bitsandbytes is not installed.
        ConfigError: if the files are quantised in another way.
    """
    return _load_nf4(located, causal_config(located), attention="sdpa", device=device)


def _load_nf4(located: LocatedModel, config: PreTrainedConfig, *, attention: str, device: str) -> PreTrainedModel:
    require_bitsandbytes()
    if is_quantised(config):
        require_nf4(config, where=located.path_or_id)
        how = {}
    else:
        how = {"quantization_config": nf4_settings(config)}
    # transformers would take the first GPU there is; a quantised model is not moved afterwards.
    model = load_as_saved(located, dtype=torch.bfloat16, attention=attention, device_map={"": device}, **how)
    settle_layers(model)
    return model


def _require_supported(model: ModelConfig) -> None:
    if (model.dtype, model.compute_dtype) not in _DTYPES:
        raise MissingError(
            f"model.dtype {model.dtype} with model.compute_dtype {model.compute_dtype} is not in this version of "
            "leanrl.",
            hint=setting("model.compute_dtype", model.dtype),
        )
    if model.attention == "flash_attention_2" and find_spec("flash_attn") is None:
        raise MissingError(
            "model.attention is flash_attention_2, and the package flash_attn is not installed.",
            hint="-s model.attention=sdpa",
        )


def _refuse_quantised(config: PreTrainedConfig, located: LocatedModel) -> None:
    if is_quantised(config):
        raise ConfigError(
            f"{located.path_or_id} is quantised already; only qlora trains on a quantised base.",
            hint="-s model.id=... with the model it was quantised from, or -s model.tuning.method=qlora if it is NF4",
        )


def _require_all_weights(loading: dict[str, Any], located: LocatedModel) -> None:
    """transformers draws at random what a file lacks, and warns; a run on such a model is worth nothing."""
    lacking = sorted(loading["missing_keys"]) + sorted(key for key, *_ in loading["mismatched_keys"])
    if lacking:
        raise ConfigError(
            f"{located.path_or_id} lacks {len(lacking)} of the weights its config names, the first is {lacking[0]}.",
            hint="fetch or save the model again",
        )


def only_local(located: LocatedModel) -> dict[str, Any]:
    """`locate_model` has put every file on this machine, so the network has nothing to add."""
    return {
        "revision": located.revision or "main",
        "local_files_only": True,
        "trust_remote_code": located.trust_remote_code,
    }


def runs_own_code(model: PreTrainedModel) -> bool:
    """Return whether a model's class came with its files; a copy of it is loaded by the same code."""
    return type(model).__module__.startswith("transformers_modules.")


def first_line(error: Exception) -> str:
    """Return the first line of a library's message: the rest of it advises what leanrl has keys for."""
    return str(error).strip().partition("\n")[0]


def _code_hint(error: Exception, located: LocatedModel) -> str | None:
    """Return the key that lets a model's own Python files run, where the library asks for them."""
    if located.trust_remote_code or "trust_remote_code" not in str(error):
        return None
    return (
        f"read the Python files of {located.path_or_id}; `{setting('model.trust_remote_code', True)}` runs them on "
        "this machine with your rights"
    )


def _refuse_response_parser(tokenizer: PreTrainedTokenizerBase, located: LocatedModel) -> None:
    """TRL parses completions with these, and what it takes out (`</think>`) is what a format reward looks for."""
    found = [name for name in ("response_template", "response_schema") if getattr(tokenizer, name, None) is not None]
    if found:
        raise ConfigError(
            f"the tokenizer of {located.path_or_id} has a {' and a '.join(found)}: completions would be taken "
            "apart before a reward sees them.",
            hint=f"save a copy of the model whose tokenizer_config.json has no {' and no '.join(found)}",
        )


def embedding_rows(located: LocatedModel) -> int | None:
    """Return how many tokens the embedding knows; None where a folder holds a tokenizer and no model."""
    try:
        return causal_config(located).get_text_config().vocab_size
    except ConfigError:
        return None


def _ensure_pad_token(tokenizer: PreTrainedTokenizerBase, *, num_rows: int | None) -> None:
    """Give the tokenizer a pad token that has a row in the embedding and ends nothing where there is one.

    Fine-tunes of Llama 2 add `[PAD]` to the tokenizer and not to the weights. Padding is masked, so any row does.
    """
    vocabulary = tokenizer.get_vocab()
    usable = {token for token, number in vocabulary.items() if num_rows is None or number < num_rows}
    ends = (None, tokenizer.eos_token)
    if tokenizer.pad_token in usable and tokenizer.pad_token not in ends:
        return
    known = [token for token in (*_PAD_TOKENS, tokenizer.unk_token) if token not in ends]
    special = tokenizer.convert_ids_to_tokens(sorted(special_ids(tokenizer)))
    wanted = [*known, tokenizer.eos_token, *special, *sorted(usable, key=lambda token: vocabulary[token])]
    tokenizer.pad_token = next(token for token in wanted if token in usable)
