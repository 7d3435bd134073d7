"""What of an adapter or a model vLLM cannot serve, said before an engine is started."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from leanrl.errors import ConfigError, Problem
from leanrl.hints import setting

if TYPE_CHECKING:
    from peft import PeftConfig
    from transformers import PretrainedConfig

# vllm 0.31.0, config/lora.py (MaxLoRARanks): an adapter's buffers are made for one of these.
LORA_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
_ON_TRANSFORMERS = "or `-s rollout.engine=hf` generates with transformers"


def lora_buffer_rank(rank: int) -> int:
    """Return the smallest rank that vLLM makes buffers for and that holds this one.

    Raises:
        ValueError: if there is none.
    """
    for allowed in LORA_RANKS:
        if allowed >= rank:
            return allowed
    raise ValueError(f"rank is {rank}; vLLM serves adapters up to rank {LORA_RANKS[-1]}.")


def require_servable(adapter: "PeftConfig | None", model: "PretrainedConfig", *, max_model_tokens: int) -> None:
    """Refuse an adapter or a length that vLLM cannot serve.

    Raises:
        ConfigError: with every reason at once.
    """
    problems = list(_model_problems(model, max_model_tokens))
    if adapter is not None:
        problems += _adapter_problems(adapter)
    if problems:
        raise ConfigError("vLLM cannot serve this policy:", problems=problems)


def _model_problems(model: "PretrainedConfig", max_model_tokens: int) -> Iterator[Problem]:
    longest = getattr(model, "max_position_embeddings", None)
    if longest is not None and max_model_tokens > longest:
        yield Problem(
            "rollout.max_prompt_tokens, rollout.max_completion_tokens, rollout.max_model_tokens",
            f"{max_model_tokens} tokens are asked for, and the model has positions for {longest}",
            f"`{setting('rollout.max_model_tokens', longest)}` with prompts and completions that fit into it",
        )


def _adapter_problems(adapter: "PeftConfig") -> Iterator[Problem]:
    given: dict[str, Any] = adapter.to_dict()
    rank = given.get("r") or 0
    if rank > LORA_RANKS[-1]:
        what = f"rank {rank}, and vLLM has buffers up to {LORA_RANKS[-1]}"
        yield Problem(
            "model.tuning.rank", what, f"`{setting('model.tuning.rank', LORA_RANKS[-1])}`, {_ON_TRANSFORMERS}"
        )
    if given.get("use_dora"):
        yield Problem("use_dora", "vLLM ignores DoRA's magnitudes", f"leave it out, {_ON_TRANSFORMERS}")
    if given.get("modules_to_save"):
        what = f"{', '.join(given['modules_to_save'])} are trained whole, and vLLM would serve them untrained"
        yield Problem("modules_to_save", what, f"leave it out, {_ON_TRANSFORMERS}")
    if given.get("bias", "none") != "none":
        what = f"bias={given['bias']} trains biases, which vLLM does not load"
        yield Problem("bias", what, f"bias=none, {_ON_TRANSFORMERS}")
    if given.get("rank_pattern") or given.get("alpha_pattern"):
        yield Problem("rank_pattern, alpha_pattern", "vLLM scales all modules alike", f"one rank, {_ON_TRANSFORMERS}")
    targets = given.get("target_modules") or ()
    heads = [name for name in targets if name.rsplit(".", 1)[-1] in ("lm_head", "embed_tokens")]
    if heads and not isinstance(targets, str):
        what = f"{', '.join(sorted(heads))} would get an adapter that vLLM does not serve"
        yield Problem("model.tuning.targets", what, "`-s model.tuning.targets=all-linear` leaves them out")
