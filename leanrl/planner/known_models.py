"""Shapes of models that are planned without a network, by Hub id, and the way to any other model's shape."""

import json
from pathlib import Path
from typing import Any

from leanrl.errors import ConfigError, MissingError
from leanrl.planner.shapes import ModelShape, shape_from_config

_QWEN25_05B = ModelShape("qwen2", 24, 896, 4864, 14, 2, 64, 151_936, tied=True, qkv_bias=True)
_QWEN25_15B = ModelShape("qwen2", 28, 1536, 8960, 12, 2, 128, 151_936, tied=True, qkv_bias=True)
_QWEN25_3B = ModelShape("qwen2", 36, 2048, 11_008, 16, 2, 128, 151_936, tied=True, qkv_bias=True)
_QWEN25_7B = ModelShape("qwen2", 28, 3584, 18_944, 28, 4, 128, 152_064, tied=False, qkv_bias=True)
_LLAMA32_1B = ModelShape("llama", 16, 2048, 8192, 32, 8, 64, 128_256, tied=True)
_LLAMA32_3B = ModelShape("llama", 28, 3072, 8192, 24, 8, 128, 128_256, tied=True)
_SMOLLM2_135M = ModelShape("llama", 30, 576, 1536, 9, 3, 64, 49_152, tied=True)
_SMOLLM2_360M = ModelShape("llama", 32, 960, 2560, 15, 5, 64, 49_152, tied=True)
_SMOLLM2_17B = ModelShape("llama", 24, 2048, 8192, 32, 32, 64, 49_152, tied=True)
_GEMMA3_270M = ModelShape(
    "gemma3_text", 18, 640, 2048, 4, 1, 256, 262_144, tied=True, sliding_window=512, num_sliding_layers=15
)
_GEMMA3_1B = ModelShape(
    "gemma3_text", 26, 1152, 6912, 4, 1, 256, 262_144, tied=True, sliding_window=512, num_sliding_layers=22
)

# From the config.json of each repository; tests compare the parameter counts with the published ones.
KNOWN_MODELS = {
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B": ModelShape(
        "qwen2", 28, 1536, 8960, 12, 2, 128, 151_936, tied=False, qkv_bias=True
    ),
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B": _QWEN25_7B,
    "HuggingFaceTB/SmolLM2-135M": _SMOLLM2_135M,
    "HuggingFaceTB/SmolLM2-135M-Instruct": _SMOLLM2_135M,
    "HuggingFaceTB/SmolLM2-360M": _SMOLLM2_360M,
    "HuggingFaceTB/SmolLM2-360M-Instruct": _SMOLLM2_360M,
    "HuggingFaceTB/SmolLM2-1.7B": _SMOLLM2_17B,
    "HuggingFaceTB/SmolLM2-1.7B-Instruct": _SMOLLM2_17B,
    "Qwen/Qwen2.5-0.5B": _QWEN25_05B,
    "Qwen/Qwen2.5-0.5B-Instruct": _QWEN25_05B,
    "Qwen/Qwen2.5-1.5B": _QWEN25_15B,
    "Qwen/Qwen2.5-1.5B-Instruct": _QWEN25_15B,
    "Qwen/Qwen2.5-Math-1.5B": _QWEN25_15B,
    "Qwen/Qwen2.5-3B": _QWEN25_3B,
    "Qwen/Qwen2.5-3B-Instruct": _QWEN25_3B,
    "Qwen/Qwen2.5-7B": _QWEN25_7B,
    "Qwen/Qwen2.5-7B-Instruct": _QWEN25_7B,
    "Qwen/Qwen3-0.6B": ModelShape("qwen3", 28, 1024, 3072, 16, 8, 128, 151_936, tied=True),
    "Qwen/Qwen3-1.7B": ModelShape("qwen3", 28, 2048, 6144, 16, 8, 128, 151_936, tied=True),
    "Qwen/Qwen3-4B": ModelShape("qwen3", 36, 2560, 9728, 32, 8, 128, 151_936, tied=True),
    "meta-llama/Llama-3.2-1B": _LLAMA32_1B,
    "meta-llama/Llama-3.2-1B-Instruct": _LLAMA32_1B,
    "meta-llama/Llama-3.2-3B": _LLAMA32_3B,
    "meta-llama/Llama-3.2-3B-Instruct": _LLAMA32_3B,
    "google/gemma-3-270m-it": _GEMMA3_270M,
    "google/gemma-3-1b-it": _GEMMA3_1B,
    "microsoft/Phi-4-mini-instruct": ModelShape("phi3", 32, 3072, 8192, 24, 8, 128, 200_064, tied=True),
    "mistralai/Mistral-7B-Instruct-v0.3": ModelShape("mistral", 32, 4096, 14_336, 32, 8, 128, 32_768, tied=False),
}

_HUB_SECONDS = 10.0


def find_shape(model_id: str, *, revision: str | None = None) -> ModelShape:
    """Return the shape of a built-in model, of a local folder with a config.json, or of a model on the Hub.

    Raises:
        MissingError: if the model is none of these, or the Hub cannot be reached.
        ConfigError: if its config.json cannot be planned.
    """
    if model_id in KNOWN_MODELS:
        return KNOWN_MODELS[model_id]
    config, where = find_model_config(model_id, revision=revision)
    return shape_from_config(config, where=where)


def find_model_config(model_id: str, *, revision: str | None = None) -> tuple[dict[str, Any], str]:
    """Return the config.json of a local folder or of a model on the Hub, and where it is.

    Raises:
        MissingError: if the model is neither, or the Hub cannot be reached.
        ConfigError: if the file holds no JSON object.
    """
    if not model_id:
        raise MissingError("no model is named, so there is nothing to plan.", hint="name one with `-s model.id=...`")
    folder = Path(model_id).expanduser()
    if folder.is_dir():
        path = folder / "config.json"
        return _read_config(path), str(path)
    return _config_from_hub(model_id, revision), f"{model_id}'s config.json"


def _read_config(path: Path) -> dict[str, Any]:
    try:
        return _parse(path.read_text(encoding="utf-8"), where=str(path))
    except FileNotFoundError:
        raise MissingError(f"{path} does not exist.", hint="a model folder holds a config.json") from None


def _config_from_hub(model_id: str, revision: str | None) -> dict[str, Any]:
    """Return the config in the Hub's cache, else ask once: a plan is not worth the Hub library's five retries."""
    from huggingface_hub import get_session, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.utils import build_hf_headers, httpx

    try:
        cached = try_to_load_from_cache(model_id, "config.json", revision=revision)
        if isinstance(cached, str):
            return _read_config(Path(cached))
        url = hf_hub_url(model_id, "config.json", revision=revision)
        answer = get_session().get(url, headers=build_hf_headers(), timeout=_HUB_SECONDS, follow_redirects=True)
        answer.raise_for_status()
    except (httpx.HTTPError, OSError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise MissingError(
            f"model.id: {model_id!r} is not built into the planner, no local folder, and its config.json "
            f"could not be had from the Hub ({reason}).",
            hint="check the name, go online, or point `-s model.id=` to a local folder with a config.json",
        ) from None
    return _parse(answer.text, where=url)


def _parse(text: str, *, where: str) -> dict[str, Any]:
    hint = "write it again with `model.save_pretrained`"
    try:
        config = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{where} is no JSON: {error}", hint=hint) from None
    if not isinstance(config, dict):
        raise ConfigError(f"{where} holds no JSON object.", hint=hint)
    return config
