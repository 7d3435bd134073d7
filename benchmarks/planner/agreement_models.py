"""Real shapes from 0.1B to 14B for plan_agreement.py: ids that the planner knows, and config.json files.

The numbers of the files are those of the named repositories; what decides no bytes is left out.
"""

from typing import Any


def _config(
    family: str, layers: int, hidden: int, inner: int, heads: int, kv_heads: int, vocab: int, *, tied: bool, **more: Any
) -> dict[str, Any]:
    return {
        "model_type": family,
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "vocab_size": vocab,
        "tie_word_embeddings": tied,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 0,
        **more,
    }


def _longrope(num_frequencies: int) -> dict[str, Any]:
    """Rows past the original length are turned by other frequencies, one factor for each."""
    factors = {"long_factor": [2.0] * num_frequencies, "short_factor": [1.0] * num_frequencies}
    lengths = {"original_max_position_embeddings": 4096, "max_position_embeddings": 131_072}
    return {"rope_scaling": {"type": "longrope", **factors}, **lengths}


_CONVOLUTIONS_OF_LFM2 = ["conv", "conv", "full_attention"] * 2 + ["conv", "conv", "full_attention", "conv"] + [
    "full_attention", "conv"] * 3  # fmt: skip

_FILES = {
    "Qwen/Qwen2.5-14B-Instruct": _config("qwen2", 48, 5120, 13_824, 40, 8, 152_064, tied=False),
    "Qwen/Qwen3-8B": _config("qwen3", 36, 4096, 12_288, 32, 8, 151_936, tied=False, head_dim=128),
    "Qwen/Qwen3-14B": _config("qwen3", 40, 5120, 17_408, 40, 8, 151_936, tied=False, head_dim=128),
    "meta-llama/Llama-3.1-8B-Instruct": _config("llama", 32, 4096, 14_336, 32, 8, 128_256, tied=False),
    "TinyLlama/TinyLlama-1.1B-Chat-v1.0": _config("llama", 22, 2048, 5632, 32, 4, 32_000, tied=False),
    "tiiuae/Falcon3-1B-Instruct": _config("llama", 18, 2048, 8192, 8, 4, 131_072, tied=False, head_dim=256),
    "mistralai/Mistral-7B-v0.1": _config("mistral", 32, 4096, 14_336, 32, 8, 32_000, tied=False, sliding_window=4096),
    "mistralai/Mistral-Nemo-Instruct-2407": _config(
        "mistral", 40, 5120, 14_336, 32, 8, 131_072, tied=False, head_dim=128, sliding_window=None
    ),
    "HuggingFaceTB/SmolLM3-3B": _config("smollm3", 36, 2048, 11_008, 16, 4, 128_256, tied=True),
    "ibm-granite/granite-3.3-2b-instruct": _config("granite", 40, 2048, 8192, 32, 8, 49_159, tied=True),
    "ibm-granite/granite-3.3-8b-instruct": _config("granite", 40, 4096, 12_800, 32, 8, 49_159, tied=True),
    "allenai/OLMo-2-0425-1B-Instruct": _config("olmo2", 16, 2048, 8192, 16, 16, 100_352, tied=False),
    "allenai/OLMo-2-1124-7B-Instruct": _config("olmo2", 32, 4096, 11_008, 32, 32, 100_352, tied=False),
    "allenai/Olmo-3-7B-Instruct": _config(
        "olmo3", 32, 4096, 11_008, 32, 32, 100_278, tied=False, sliding_window=4096, max_position_embeddings=65_536
    ),
    "google/gemma-2b-it": _config("gemma", 18, 2048, 16_384, 8, 1, 256_000, tied=True, head_dim=256),
    "google/gemma-3-4b-it (text)": _config(
        "gemma3_text", 34, 2560, 10_240, 8, 4, 262_208, tied=True, head_dim=256, sliding_window=1024
    ),
    "microsoft/Phi-3-mini-4k-instruct": _config(
        "phi3", 32, 3072, 8192, 32, 32, 32_064, tied=False, sliding_window=2047
    ),
    "microsoft/Phi-3-mini-128k-instruct": _config(
        "phi3", 32, 3072, 8192, 32, 32, 32_064, tied=False, sliding_window=262_144, **_longrope(48)
    ),
    "microsoft/Phi-4-mini-instruct (its file)": _config(
        "phi3",
        32,
        3072,
        8192,
        24,
        8,
        200_064,
        tied=True,
        sliding_window=262_144,
        partial_rotary_factor=0.75,
        **_longrope(48),
    ),
    "microsoft/phi-4": _config("phi3", 40, 5120, 17_920, 40, 10, 100_352, tied=False, sliding_window=None),
    "zai-org/glm-4-9b-chat-hf": _config(
        "glm", 40, 4096, 13_696, 32, 2, 151_552, tied=False, head_dim=128, attention_bias=True
    ),
    "zai-org/GLM-4-9B-0414": _config(
        "glm4", 40, 4096, 13_696, 32, 2, 151_552, tied=False, head_dim=128, attention_bias=True
    ),
    "CohereLabs/aya-expanse-8b": _config("cohere", 32, 4096, 14_336, 32, 8, 256_000, tied=True),
    "CohereLabs/c4ai-command-r7b-12-2024": _config(
        "cohere2", 32, 4096, 14_336, 32, 8, 256_000, tied=True, sliding_window=4096
    ),
    "LGAI-EXAONE/EXAONE-4.0-1.2B": _config(
        "exaone4",
        30,
        2048,
        4096,
        32,
        8,
        102_400,
        tied=True,
        head_dim=64,
        sliding_window=None,
        layer_types=["full_attention"] * 30,
    ),
    "arcee-ai/AFM-4.5B": _config(
        "arcee", 36, 2560, 18_432, 20, 4, 128_004, tied=False, head_dim=128, hidden_act="relu2"
    ),
    "stabilityai/stablelm-2-1_6b-chat": _config(
        "stablelm", 24, 2048, 5632, 32, 32, 100_352, tied=False, use_qkv_bias=True, partial_rotary_factor=0.25
    ),
    "bigcode/starcoder2-3b": _config("starcoder2", 30, 3072, 12_288, 24, 2, 49_152, tied=True, sliding_window=4096),
    "nvidia/Minitron-4B-Base": _config(
        "nemotron", 32, 3072, 9216, 24, 8, 256_000, tied=False, head_dim=128, hidden_act="relu2"
    ),
    "LiquidAI/LFM2-1.2B": _config(
        "lfm2", 16, 2048, 12_288, 32, 8, 65_536, tied=True, layer_types=_CONVOLUTIONS_OF_LFM2
    ),
}

# The planner has their shapes built in. Named here, for a draw must not change where more models are built in.
_BUILT_IN = (
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B",
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B",
    "HuggingFaceTB/SmolLM2-135M-Instruct",
    "HuggingFaceTB/SmolLM2-360M-Instruct",
    "HuggingFaceTB/SmolLM2-1.7B-Instruct",
    "Qwen/Qwen2.5-0.5B-Instruct",
    "Qwen/Qwen2.5-1.5B-Instruct",
    "Qwen/Qwen2.5-3B-Instruct",
    "Qwen/Qwen2.5-7B-Instruct",
    "Qwen/Qwen3-0.6B",
    "Qwen/Qwen3-1.7B",
    "Qwen/Qwen3-4B",
    "meta-llama/Llama-3.2-1B-Instruct",
    "meta-llama/Llama-3.2-3B-Instruct",
    "google/gemma-3-270m-it",
    "google/gemma-3-1b-it",
    "microsoft/Phi-4-mini-instruct",
)

# By name: the content of a config.json, or None where the planner has the shape built in.
MODELS: dict[str, dict[str, Any] | None] = {**dict.fromkeys(_BUILT_IN), **_FILES}
