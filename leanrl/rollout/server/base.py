"""Whether a user's server serves the base that is being trained, in the way that leanrl needs it."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from transformers import AutoConfig, PretrainedConfig

from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError, Problem
from leanrl.rollout.server.address import HOW_TO_START, explaining_refusals, served_base
from leanrl.rollout.server.client import ServerClient
from leanrl.rollout.vllm.whole_distribution import LogprobsMode, logprobs_mode

# What differs between two copies of the same model's config.json, or when it is loaded in NF4 or by unsloth.
_NO_PART_OF_THE_MODEL = (
    *("_name_or_path", "transformers_version", "dtype", "torch_dtype", "use_cache"),
    *("quantization_config", "unsloth_version"),
)


def open_usable_server(config: RunConfig, base: PretrainedConfig) -> tuple[ServerClient, str]:
    """Return a client of `rollout.server_url` and the name under which it serves the base.

    Errors are those of `require_usable_server`.
    """
    client = ServerClient(config.rollout.server_url, deadline_seconds=config.rollout.server_deadline_seconds)
    name = require_usable_server(
        client,
        base,
        max_model_tokens=config.max_model_tokens,
        dtype=config.model.compute_dtype,
        is_nf4=config.serves_nf4,
        logprobs_mode=logprobs_mode(config),
    )
    return client, name


def require_usable_server(
    client: ServerClient,
    base: PretrainedConfig,
    *,
    max_model_tokens: int,
    dtype: str,
    is_nf4: bool = False,
    logprobs_mode: LogprobsMode = "processed_logprobs",
) -> str:
    """Return the name under which the server serves the base, in NF4 or as it is in its files.

    Raises:
        ConfigError: if it cannot be reached, serves another model, or serves it in another way than is needed.
    """
    name = served_base(client)
    with explaining_refusals(client):
        settings = client.model_settings()
    problems = list(_problems(settings, base, max_model_tokens=max_model_tokens, dtype=dtype))
    problems += _quantisation_problems(settings, is_nf4=is_nf4)
    problems += _mode_problems(settings, logprobs_mode)
    if problems:
        raise ConfigError(
            f"the server at {client.url} cannot generate for this run:",
            problems=problems,
            hint=HOW_TO_START.replace("processed_logprobs", logprobs_mode),
        )
    return name


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
    if settings["dtype"] != f"torch.{dtype}":
        yield Problem(where, f"it computes in {settings['dtype']}, and the trainer in {dtype}", f"--dtype {dtype}")


def _mode_problems(settings: dict[str, Any], wanted: LogprobsMode) -> Iterator[Problem]:
    if settings["logprobs_mode"] != wanted:
        of_what = "what it samples" if wanted == "processed_logprobs" else "the whole distribution that it cuts"
        what = f"it reports {settings['logprobs_mode']}, which are not those of {of_what}"
        yield Problem("rollout.server_url", what, f"--logprobs-mode {wanted}")


def _quantisation_problems(settings: dict[str, Any], *, is_nf4: bool) -> Iterator[Problem]:
    served, wanted = settings["quantization"], "bitsandbytes" if is_nf4 else None
    if served != wanted:
        what = f"its base is quantised by {served or 'nothing'}, and rollout.base asks for {wanted or 'nothing'}"
        yield Problem("rollout.server_url, rollout.base", what, "--quantization bitsandbytes is NF4; none is 16-bit")


def _hash_of(root: str, revision: str | None) -> str | None:
    try:
        return config_hash(
            AutoConfig.from_pretrained(root, revision=revision, local_files_only=True, trust_remote_code=False)
        )
    except (OSError, ValueError):
        return None
