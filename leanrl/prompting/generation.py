"""What transformers' generate is told: leanrl's own values while it generates, a valid file beside saved weights.

A model's generation_config fills in what a caller leaves open (min_new_tokens, suppress_tokens, stop_strings, ...).
The loss knows none of that, so it is out of the way while leanrl generates. It goes back where the model is saved.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leanrl.errors import ConfigError
from leanrl.prompting.stopping import Stopping

if TYPE_CHECKING:
    from transformers import GenerationConfig, PreTrainedModel

# They decide which other fields are valid, so they are tried before them.
_MODES = ("do_sample", "num_beams")


def plain_generation(
    stopping: Stopping,
    *,
    max_new_tokens: int,
    temperature: float,
    top_p: float = 1.0,
    top_k: int = 0,
    min_p: float | None = None,
    repetition_penalty: float = 1.0,
) -> "GenerationConfig":
    """Return generation by these values and nothing else; temperature 0 takes the likeliest token."""
    from transformers import GenerationConfig

    drawn = {"do_sample": True, "temperature": temperature, "top_p": top_p, "top_k": top_k, "min_p": min_p}
    return GenerationConfig(
        **(drawn if temperature > 0 else {"do_sample": False}),
        num_beams=1,
        repetition_penalty=repetition_penalty,
        max_new_tokens=max_new_tokens,
        eos_token_id=list(stopping.stop_ids) or None,
        pad_token_id=stopping.pad_id,
        use_cache=True,
        disable_compile=True,
    )


@contextmanager
def without_own_generation(model: "PreTrainedModel") -> Iterator[None]:
    """Hide the model's generation_config, out of which generate fills every field that a caller leaves open."""
    from transformers import GenerationConfig

    bare = model.get_base_model() if hasattr(model, "get_base_model") else model
    own, bare.generation_config = bare.generation_config, GenerationConfig()
    try:
        yield
    finally:
        bare.generation_config = own


def generation_to_save(model: "PreTrainedModel", stopping: Stopping) -> "GenerationConfig":
    """Return the model's generation_config with all stop ids, a pad id in the embedding, and no invalid field.

    Decoders that read the file alone then end where leanrl's rollouts end.
    """
    fields = model.generation_config.to_diff_dict()
    ends = stopping.stop_ids[0] if len(stopping.stop_ids) == 1 else list(stopping.stop_ids)
    return valid_generation({**fields, "eos_token_id": ends or None, "pad_token_id": stopping.pad_id})


def valid_generation(fields: Mapping[str, Any]) -> "GenerationConfig":
    """Return a generation_config of those fields that transformers accepts together when it saves.

    It refuses to save a temperature without do_sample, which it never used: such a field is left out.
    """
    from transformers import GenerationConfig

    kept: dict[str, Any] = {}
    for name in sorted(fields, key=lambda name: name not in _MODES):
        if _is_valid({**kept, name: fields[name]}):
            kept[name] = fields[name]
    return GenerationConfig(**kept)


def read_generation_fields(file: Path) -> dict[str, Any]:
    """Return the fields of a generation_config.json.

    Raises:
        ConfigError: if it holds no JSON object.
    """
    try:
        fields = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read: {error}", hint="remove it, or save the model again") from error
    if not isinstance(fields, dict):
        raise ConfigError(f"{file} holds no JSON object.", hint="remove it, or save the model again")
    return fields


def _is_valid(fields: Mapping[str, Any]) -> bool:
    from transformers import GenerationConfig

    try:
        GenerationConfig(**fields).validate(strict=True)
    except (ValueError, TypeError, AttributeError):
        return False
    return True
