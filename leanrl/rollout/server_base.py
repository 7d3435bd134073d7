"""Whether a user's server serves the base that is being trained, in the way that leanrl needs it."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from transformers import AutoConfig, PretrainedConfig

from leanrl.errors import ConfigError, Problem
from leanrl.rollout.server_client import ServerClient, ServerLostError, ServerRefusedError

# What differs between two copies of the same model's config.json, or when it is loaded in NF4.
_NO_PART_OF_THE_MODEL = (
    *("_name_or_path", "transformers_version", "dtype", "torch_dtype", "use_cache"),
    "quantization_config",
)
_HOW = (
    "VLLM_SERVER_DEV_MODE=1 VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 python -m vllm.entrypoints.openai.api_server "
    "--enable-lora --logprobs-mode processed_logprobs ..."
)


def require_usable_server(
    client: ServerClient, base: PretrainedConfig, *, max_model_tokens: int, dtype: str, is_nf4: bool = False
) -> str:
    """Return the name under which the server serves the base, in NF4 or as it is in its files.

    Raises:
        ConfigError: if it cannot be reached, serves another model, or serves it in another way than is needed.
    """
    try:
        served = _base_of(client.models())
        settings = client.model_settings()
    except ServerLostError as error:
        what = f"rollout.server_url is {client.url}, which cannot be reached: {error}"
        raise ConfigError(what, hint="-s rollout.server_url=null lets leanrl start a server of its own") from error
    except ServerRefusedError as error:
        what = f"rollout.server_url is {client.url}, which does not tell what it serves: {error}"
        raise ConfigError(what, hint=f"start it as: {_HOW}") from error
    problems = list(_problems(settings, base, max_model_tokens=max_model_tokens, dtype=dtype))
    problems += _quantisation_problems(settings, is_nf4=is_nf4)
    if problems:
        raise ConfigError(f"the server at {client.url} cannot generate for this run:", problems=problems, hint=_HOW)
    return served


def _base_of(models: list[dict[str, Any]]) -> str:
    names = [str(one["id"]) for one in models if one.get("parent") is None]
    if not names:
        raise ServerRefusedError("it names no model")
    return names[0]


def config_hash(model: PretrainedConfig) -> str:
    """Return a short hash of what makes a model's config, the same for every copy of it."""
    kept = {name: value for name, value in model.to_dict().items() if name not in _NO_PART_OF_THE_MODEL}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _problems(
    settings: dict[str, Any], base: PretrainedConfig, *, max_model_tokens: int, dtype: str
) -> Iterator[Problem]:
    where, root = "rollout.server_url", settings["model"]
    if root != base.name_or_path:
        ours, theirs = config_hash(base), _hash_of(root, settings.get("revision"))
        if theirs is None:
            yield Problem(where, f"it serves {root}, whose config cannot be read here", "serve it from the same path")
        elif ours != theirs:
            what = f"it serves {root} (config {theirs}), and {base.name_or_path} is trained (config {ours})"
            yield Problem(where, what, f"serve {base.name_or_path}")
    if settings["max_model_len"] < max_model_tokens:
        what = f"its context is {settings['max_model_len']} tokens, and {max_model_tokens} are needed"
        yield Problem(where, what, f"--max-model-len {max_model_tokens}")
    if settings["logprobs_mode"] != "processed_logprobs":
        what = f"it reports {settings['logprobs_mode']}, which are not those of what it samples"
        yield Problem(where, what, "--logprobs-mode processed_logprobs")
    if settings["dtype"] != f"torch.{dtype}":
        yield Problem(where, f"it computes in {settings['dtype']}, and the trainer in {dtype}", f"--dtype {dtype}")


def _quantisation_problems(settings: dict[str, Any], *, is_nf4: bool) -> Iterator[Problem]:
    served, wanted = settings["quantization"], "bitsandbytes" if is_nf4 else None
    if served != wanted:
        what = f"its base is quantised by {served or 'nothing'}, and rollout.base asks for {wanted or 'nothing'}"
        yield Problem("rollout.server_url, rollout.base", what, "--quantization bitsandbytes is NF4; none is 16-bit")


def _hash_of(root: str, revision: str | None) -> str | None:
    try:
        return config_hash(AutoConfig.from_pretrained(root, revision=revision, local_files_only=True))
    except (OSError, ValueError):
        return None
