"""Our names mapped to TRL's: a run's configuration as the arguments of `trl.GRPOConfig`.

Every algorithmic value is written out, also where TRL's default is the same: its defaults are another
algorithm (dapo, beta 0, sequence-masked importance sampling) and change between releases.
"""

from pathlib import Path
from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.seams.registry import options_of
from leanrl.trainer.ranks.sharding import FSDP_ARGUMENTS

_SCHEDULES = {
    "constant": "constant",
    "linear": "linear",
    "cosine": "cosine",
    "cosine_with_min": "cosine_with_min_lr",
}
_LOSS_TYPES = {
    "prompt_token_mean": "bnpo",
    "batch_token_mean": "dapo",
    "completion_mean": "grpo",
    "fixed_length": "dr_grpo",
}


def grpo_arguments(config: RunConfig, *, output_dir: Path, attention: str | None = None) -> dict[str, Any]:
    """Return the keyword arguments of `trl.GRPOConfig` for a run.

    `attention` is what the policy runs on, where that is not `model.attention`: TRL loads the reference with it.

    TRL sees one optimizer step as one batch without accumulation: the engine cuts it into micro-batches itself
    (`train.micro_batch_completions`), so the weights of the loss cannot depend on how it was cut. unsloth has no such
    engine: there TRL's loop cuts.
    """
    return {
        **_loss_arguments(config),
        **_sampling_arguments(config),
        **_cut_arguments(config),
        **_optimizer_arguments(config),
        **_bookkeeping_arguments(config, output_dir),
        "model_init_kwargs": _reference_arguments(config, attention or config.model.attention),
        **(FSDP_ARGUMENTS if config.shares_weights else {}),
    }


def _loss_arguments(config: RunConfig) -> dict[str, Any]:
    """The engine computes the loss; TRL is told the same one, for whoever reads its arguments or compares."""
    algorithm, correction = config.algorithm, options_of(config.algorithm.choice("correction"))
    is_cispo = algorithm.loss == "cispo"
    return {
        "beta": algorithm.kl_beta,
        "use_bias_correction_kl": False,
        "loss_type": "cispo" if is_cispo else _LOSS_TYPES[algorithm.aggregation],
        "scale_rewards": options_of(algorithm.choice("advantage")).get("scale", "none"),
        "multi_objective_aggregation": "sum_then_normalize",
        "epsilon": algorithm.clip_low,
        # TRL's cispo takes the bound itself, not its distance from 1.
        "epsilon_high": 1 + algorithm.clip_high if is_cispo else algorithm.clip_high,
        "delta": None,
        "importance_sampling_level": "sequence" if algorithm.loss == "gspo" else "token",
        "num_iterations": algorithm.num_iterations,
        "mask_truncated_completions": algorithm.mask_truncated,
        # The engine applies the correction in the loss; TRL's own costs an extra forward pass, which unsloth's takes.
        "vllm_importance_sampling_correction": _is_corrected_by_unsloth(config),
        "vllm_importance_sampling_mode": "token_truncate",
        "vllm_importance_sampling_clip_min": None,
        "vllm_importance_sampling_clip_max": correction.get("clip"),
        "top_entropy_quantile": 1.0,
        "entropy_coef": algorithm.entropy_coef,
        "sync_ref_model": False,
        "disable_dropout": False,
        "reward_weights": list(config.rewards.values()),
    }


def _is_corrected_by_unsloth(config: RunConfig) -> bool:
    is_vllms = config.rollout.engine != "hf"
    return config.backend == "unsloth" and is_vllms and config.algorithm.correction["name"] != "none"


def _sampling_arguments(config: RunConfig) -> dict[str, Any]:
    rollout = config.rollout
    return {
        # TRL divides its log-probs by `temperature` and lets generation_kwargs override it for sampling alone.
        "temperature": config.logprob_temperature,
        "generation_kwargs": {"temperature": rollout.temperature},
        "top_p": rollout.top_p,
        "top_k": rollout.top_k,
        "min_p": rollout.min_p,
        "repetition_penalty": rollout.repetition_penalty,
        "num_generations": config.train.num_completions,
        "max_completion_length": rollout.max_completion_tokens,
        "shuffle_dataset": config.data.shuffle,
        "chat_template_kwargs": dict(config.model.chat_template_kwargs),
        "use_vllm": False,
        "vllm_max_model_length": config.max_model_tokens,
    }


def _cut_arguments(config: RunConfig) -> dict[str, Any]:
    is_cut_by_trl = config.backend == "unsloth"
    size = config.full_completions_per_micro_batch if is_cut_by_trl else config.completions_per_rank
    num_micro_batches = config.completions_per_rank // size
    return {
        "per_device_train_batch_size": size,
        "gradient_accumulation_steps": num_micro_batches,
        "steps_per_generation": num_micro_batches * config.train.updates_per_rollout,
    }


def _optimizer_arguments(config: RunConfig) -> dict[str, Any]:
    optimizer = config.optimizer
    schedule_options = (
        {"min_lr_rate": optimizer.min_learning_rate_ratio} if optimizer.schedule == "cosine_with_min" else None
    )
    return {
        "max_steps": config.train.max_steps,
        "optim": "adamw_torch_fused",  # the trainer is given the class itself (engine/optimizers/choice.py)
        "learning_rate": optimizer.learning_rate,
        "lr_scheduler_type": _SCHEDULES[optimizer.schedule],
        "lr_scheduler_kwargs": schedule_options,
        # A value below 1 is a fraction of max_steps: transformers 5 dropped `warmup_ratio`.
        "warmup_steps": optimizer.warmup_ratio,
        "adam_beta1": optimizer.beta1,
        "adam_beta2": optimizer.beta2,
        "adam_epsilon": optimizer.eps,
        "weight_decay": optimizer.weight_decay,
        "max_grad_norm": optimizer.max_grad_norm,
        "seed": config.train.seed,
        "bf16": config.model.compute_dtype == "bfloat16",
        "gradient_checkpointing": config.train.gradient_checkpointing is not False,
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
    }


def _bookkeeping_arguments(config: RunConfig, output_dir: Path) -> dict[str, Any]:
    return {
        "output_dir": str(output_dir),
        "logging_steps": 1,
        "logging_first_step": True,
        "log_completions": False,
        "disable_tqdm": True,
        "save_strategy": "steps",
        "save_steps": config.steps_between_checkpoints,
        "report_to": [] if config.tracking == "none" else [config.tracking],
        "run_name": config.name,
        "push_to_hub": False,
        "use_cpu": config.hardware.is_cpu,
        "dataloader_num_workers": 0,
        "remove_unused_columns": False,
        "trust_remote_code": config.model.trust_remote_code,
    }


def _reference_arguments(config: RunConfig, attention: str) -> dict[str, Any]:
    return {
        "dtype": config.model.dtype,
        "attn_implementation": attention,
        "revision": config.model.revision or "main",
        "use_safetensors": True,
    }
