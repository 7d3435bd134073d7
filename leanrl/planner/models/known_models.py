"""Shapes of models that are planned without a network, by Hub id, and the way to any other model's shape."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leanrl.errors import ConfigError, MissingError
from leanrl.planner.models.shapes import ModelShape, shape_from_config
from leanrl.storage.home import expanded


@dataclass(frozen=True)
class SizedModel:
    """A model with its shape, and the longest row of tokens that it takes."""

    model_id: str
    shape: ModelShape
    context_tokens: int


# The longest row of tokens that a model was made for, as its config.json has it.
_4K, _8K, _32K, _40K, _128K = 4096, 8192, 32_768, 40_960, 131_072


def _qwen25(layers: int, hidden: int, intermediate: int, heads: int, kv_heads: int, **others: Any) -> ModelShape:
    return ModelShape("qwen2", layers, hidden, intermediate, heads, kv_heads, qkv_bias=True, **others)


def _qwen3(layers: int, hidden: int, intermediate: int, heads: int, *, tied: bool) -> ModelShape:
    return ModelShape("qwen3", layers, hidden, intermediate, heads, 8, 128, 151_936, tied=tied)


def _llama3(layers: int, hidden: int, intermediate: int, heads: int, head_dim: int, *, tied: bool) -> ModelShape:
    return ModelShape("llama", layers, hidden, intermediate, heads, 8, head_dim, 128_256, tied=tied)


def _smollm2(layers: int, hidden: int, intermediate: int, heads: int, kv_heads: int) -> ModelShape:
    return ModelShape("llama", layers, hidden, intermediate, heads, kv_heads, 64, 49_152, tied=True)


def _gemma3(layers: int, hidden: int, intermediate: int, num_sliding: int) -> ModelShape:
    return ModelShape(
        *("gemma3_text", layers, hidden, intermediate, 4, 1, 256, 262_144),
        tied=True,
        sliding_window=512,
        num_sliding_layers=num_sliding,
    )


_QWEN25_05B = _qwen25(24, 896, 4864, 14, 2, head_dim=64, vocab=151_936, tied=True)
_QWEN25_15B = _qwen25(28, 1536, 8960, 12, 2, head_dim=128, vocab=151_936, tied=True)
_QWEN25_3B = _qwen25(36, 2048, 11_008, 16, 2, head_dim=128, vocab=151_936, tied=True)
_QWEN25_7B = _qwen25(28, 3584, 18_944, 28, 4, head_dim=128, vocab=152_064, tied=False)
_QWEN25_14B = _qwen25(48, 5120, 13_824, 40, 8, head_dim=128, vocab=152_064, tied=False)
_QWEN25_32B = _qwen25(64, 5120, 27_648, 40, 8, head_dim=128, vocab=152_064, tied=False)
_QWEN25_72B = _qwen25(80, 8192, 29_568, 64, 8, head_dim=128, vocab=152_064, tied=False)
_R1_QWEN_15B = _qwen25(28, 1536, 8960, 12, 2, head_dim=128, vocab=151_936, tied=False)
_LLAMA31_8B = _llama3(32, 4096, 14_336, 32, 128, tied=False)
_LLAMA31_70B = _llama3(80, 8192, 28_672, 64, 128, tied=False)

# From the config.json of each repository: shape, longest row, ids. Tests compare the parameter counts with published
# ones.
_MODELS: tuple[tuple[ModelShape, int, tuple[str, ...]], ...] = (
    (_smollm2(30, 576, 1536, 9, 3), _8K, ("HuggingFaceTB/SmolLM2-135M", "HuggingFaceTB/SmolLM2-135M-Instruct")),
    (_smollm2(32, 960, 2560, 15, 5), _8K, ("HuggingFaceTB/SmolLM2-360M", "HuggingFaceTB/SmolLM2-360M-Instruct")),
    (_smollm2(24, 2048, 8192, 32, 32), _8K, ("HuggingFaceTB/SmolLM2-1.7B", "HuggingFaceTB/SmolLM2-1.7B-Instruct")),
    (_QWEN25_05B, _32K, ("Qwen/Qwen2.5-0.5B", "Qwen/Qwen2.5-0.5B-Instruct")),
    (_QWEN25_15B, _32K, ("Qwen/Qwen2.5-1.5B", "Qwen/Qwen2.5-1.5B-Instruct")),
    (_QWEN25_15B, _4K, ("Qwen/Qwen2.5-Math-1.5B",)),
    (_QWEN25_3B, _32K, ("Qwen/Qwen2.5-3B", "Qwen/Qwen2.5-3B-Instruct")),
    (_QWEN25_7B, _32K, ("Qwen/Qwen2.5-7B-Instruct",)),
    (_QWEN25_7B, _128K, ("Qwen/Qwen2.5-7B",)),
    (_QWEN25_7B, _4K, ("Qwen/Qwen2.5-Math-7B",)),
    (_QWEN25_14B, _32K, ("Qwen/Qwen2.5-14B-Instruct",)),
    (_QWEN25_14B, _128K, ("Qwen/Qwen2.5-14B",)),
    (_QWEN25_32B, _32K, ("Qwen/Qwen2.5-32B-Instruct",)),
    (_QWEN25_32B, _128K, ("Qwen/Qwen2.5-32B",)),
    (_QWEN25_72B, _32K, ("Qwen/Qwen2.5-72B-Instruct",)),
    (_QWEN25_72B, _128K, ("Qwen/Qwen2.5-72B",)),
    (_R1_QWEN_15B, _128K, ("deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B",)),
    (_QWEN25_7B, _128K, ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B",)),
    (_QWEN25_14B, _128K, ("deepseek-ai/DeepSeek-R1-Distill-Qwen-14B",)),
    (_QWEN25_32B, _128K, ("deepseek-ai/DeepSeek-R1-Distill-Qwen-32B",)),
    (_LLAMA31_8B, _128K, ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B",)),
    (_LLAMA31_70B, _128K, ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B",)),
    (_qwen3(28, 1024, 3072, 16, tied=True), _40K, ("Qwen/Qwen3-0.6B",)),
    (_qwen3(28, 2048, 6144, 16, tied=True), _40K, ("Qwen/Qwen3-1.7B",)),
    (_qwen3(36, 2560, 9728, 32, tied=True), _40K, ("Qwen/Qwen3-4B",)),
    (_qwen3(36, 4096, 12_288, 32, tied=False), _40K, ("Qwen/Qwen3-8B",)),
    (_qwen3(40, 5120, 17_408, 40, tied=False), _40K, ("Qwen/Qwen3-14B",)),
    (_qwen3(64, 5120, 25_600, 64, tied=False), _40K, ("Qwen/Qwen3-32B",)),
    (
        _llama3(16, 2048, 8192, 32, 64, tied=True),
        _128K,
        ("meta-llama/Llama-3.2-1B", "meta-llama/Llama-3.2-1B-Instruct"),
    ),
    (
        _llama3(28, 3072, 8192, 24, 128, tied=True),
        _128K,
        ("meta-llama/Llama-3.2-3B", "meta-llama/Llama-3.2-3B-Instruct"),
    ),
    (_LLAMA31_8B, _128K, ("meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B-Instruct")),
    (_LLAMA31_70B, _128K, ("meta-llama/Llama-3.1-70B", "meta-llama/Llama-3.1-70B-Instruct")),
    (_LLAMA31_70B, _128K, ("meta-llama/Llama-3.3-70B-Instruct",)),
    (_gemma3(18, 640, 2048, 15), _32K, ("google/gemma-3-270m-it",)),
    (_gemma3(26, 1152, 6912, 22), _32K, ("google/gemma-3-1b-it",)),
    (
        ModelShape("phi3", 32, 3072, 8192, 24, 8, 128, 200_064, tied=True),
        _128K,
        ("microsoft/Phi-4-mini-instruct",),
    ),
    (
        ModelShape("mistral", 32, 4096, 14_336, 32, 8, 128, 32_768, tied=False),
        _32K,
        ("mistralai/Mistral-7B-Instruct-v0.3",),
    ),
)
SIZED_MODELS = [SizedModel(model_id, shape, tokens) for shape, tokens, ids in _MODELS for model_id in ids]
KNOWN_MODELS = {model.model_id: model.shape for model in SIZED_MODELS}

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


def find_sized_model(model_id: str, *, revision: str | None = None) -> SizedModel:
    """Return the same with the longest row, which is that of the positions in its config.json.

    Raises:
        MissingError, ConfigError: as `find_shape` does.
    """
    known = next((model for model in SIZED_MODELS if model.model_id == model_id), None)
    if known is not None:
        return known
    config, where = find_model_config(model_id, revision=revision)
    positions = config.get("max_position_embeddings")
    context_tokens = positions if isinstance(positions, int) and positions > 0 else _32K
    return SizedModel(model_id, shape_from_config(config, where=where), context_tokens)


def find_model_config(model_id: str, *, revision: str | None = None) -> tuple[dict[str, Any], str]:
    """Return the config.json of a local folder or of a model on the Hub, and where it is.

    Raises:
        MissingError: if the model is neither, or the Hub cannot be reached.
        ConfigError: if the file holds no JSON object.
    """
    if not model_id:
        raise MissingError("no model is named, so there is nothing to plan.", hint="name one with `-s model.id=...`")
    folder = expanded(model_id)
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
