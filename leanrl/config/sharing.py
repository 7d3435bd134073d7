"""Whether keys allow trainer and colocated vLLM to share one base."""

from leanrl.config.schema import RunConfig


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
