"""The nearest known name for one that is not known."""

from collections.abc import Iterable
from difflib import get_close_matches

from leanrl.config.keys import schema_groups, schema_keys

# What TRL, transformers and vLLM call it: the names that people bring along.
NAMES_ELSEWHERE = {
    "beta": "algorithm.kl_beta",
    "epsilon": "algorithm.clip_low",
    "epsilon_high": "algorithm.clip_high",
    "loss_type": "algorithm.aggregation",
    "scale_rewards": "algorithm.advantage_scale",
    "mask_truncated_completions": "algorithm.mask_truncated",
    "importance_sampling_level": "algorithm.loss",
    "entropy_coeff": "algorithm.entropy_coef",
    "vllm_importance_sampling_correction": "algorithm.importance_correction",
    "lr": "optimizer.learning_rate",
    "optim": "optimizer.name",
    "lr_scheduler_type": "optimizer.schedule",
    "adam_beta1": "optimizer.beta1",
    "adam_beta2": "optimizer.beta2",
    "adam_epsilon": "optimizer.eps",
    "warmup_steps": "optimizer.warmup_ratio",
    "num_generations": "train.num_completions",
    "group_size": "train.num_completions",
    "batch_size": "train.num_prompts",
    "per_device_train_batch_size": "train.micro_batch_completions",
    "gradient_accumulation_steps": "train.micro_batch_completions",
    "max_token_len_per_gpu": "train.max_tokens_per_micro_batch",
    "ppo_max_token_len_per_gpu": "train.max_tokens_per_micro_batch",
    "steps": "train.max_steps",
    "num_train_epochs": "train.max_steps",
    "max_length": "rollout.max_completion_tokens",
    "max_completion_length": "rollout.max_completion_tokens",
    "max_new_tokens": "rollout.max_completion_tokens",
    "max_prompt_length": "rollout.max_prompt_tokens",
    "max_model_len": "rollout.max_model_tokens",
    "vllm_max_model_len": "rollout.max_model_tokens",
    "gpu_memory_utilization": "rollout.gpu_memory_fraction",
    "vllm_gpu_memory_utilization": "rollout.gpu_memory_fraction",
    "use_vllm": "rollout.engine",
    "vllm_mode": "rollout.engine",
    "attn_implementation": "model.attention",
    "torch_dtype": "model.dtype",
    "model_name_or_path": "model.id",
    "model.name": "model.id",
    "lora_r": "model.tuning.rank",
    "lora_alpha": "model.tuning.alpha",
    "lora_dropout": "model.tuning.dropout",
    "target_modules": "model.tuning.targets",
    "dataset_name": "data.hub_id",
    "reward_funcs": "rewards",
    "reward_weights": "rewards",
    "save_steps": "checkpoints.every_steps",
    "save_total_limit": "checkpoints.keep_last",
    "report_to": "tracking",
    "hub_model_id": "hub.push_to",
    "push_to_hub": "hub.push_to",
}


def nearest_key(unknown: str) -> str | None:
    """Return the key or section that the writer of `unknown` most likely meant, or None."""
    known = [*schema_keys(), *schema_groups()]
    group, _, leaf = unknown.rpartition(".")
    siblings = {name.rpartition(".")[2]: name for name in known if name.rpartition(".")[0] == group}
    leaves = {name.rpartition(".")[2]: name for name in reversed(known)}
    return (
        NAMES_ELSEWHERE.get(unknown)
        or NAMES_ELSEWHERE.get(leaf)
        or leaves.get(leaf)
        or nearest_name(unknown, known, cutoff=0.75)
        or siblings.get(nearest_name(leaf, siblings) or "")
        or leaves.get(nearest_name(leaf, leaves) or "")
    )


def nearest_name(unknown: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the known name that looks most like `unknown`; None where none comes near."""
    found = get_close_matches(unknown, list(known), n=1, cutoff=cutoff)
    return found[0] if found else None


def did_you_mean(name: str | None) -> str | None:
    """Return the hint that names the nearest name, or None."""
    return None if name is None else f"Did you mean `{name}`?"
