"""Whether keys, and a version of vLLM, allow trainer and colocated vLLM to share one base."""

from packaging.specifiers import SpecifierSet

from leanrl.config.schema import RunConfig

# The first with LLM.release_kv_cache_memory.
_VLLM_THAT_RELEASES = SpecifierSet(">=0.31")


def sharing_obstacle(config: RunConfig) -> str | None:
    """Return which key stands between a run and one base, or None; the model's layout is another matter."""
    model = config.model
    if config.rollout.engine != "vllm-colocate":
        return f"{config.rollout.engine} is no vLLM in the trainer's process"
    if config.backend == "unsloth":
        return "unsloth's layers hold weights of their own"
    if model.tuning.method != "lora":
        return f"{model.tuning.method} has no frozen base in 16 bit"
    if model.dtype != model.compute_dtype:
        return f"the trainer holds {model.dtype}, and vLLM {model.compute_dtype}"
    return None


def release_obstacle(config: RunConfig, vllm: str | None) -> str | None:
    """Return why this vLLM cannot rest without giving back its weights, which a shared base does not allow, or None."""
    if config.rollout.sleep_level == 0 or releases_cache(vllm):
        return None
    return f"vllm {vllm} cannot give back the KV cache alone"


def releases_cache(vllm: str | None) -> bool:
    """Whether this version can give back the KV cache alone on a card; None is the newest leanrl works with."""
    return vllm is None or vllm in _VLLM_THAT_RELEASES
