"""What `backend: unsloth` cannot run: settings that unsloth ignores, refuses, or does in another way."""

from collections.abc import Iterator
from typing import get_args

from leanrl.config.schema import RunConfig
from leanrl.config.sections.algorithm import Seam
from leanrl.errors import Problem
from leanrl.hints import setting

_Check = tuple[bool, str, str, str]  # applies, where, what, hint


def unsloth_contradictions(config: RunConfig) -> Iterator[Problem]:
    """Yield every combination that unsloth cannot run, with the reason; nothing for another backend."""
    if config.backend != "unsloth":
        return
    for applies, where, what, hint in (*_ranks(config), *_weights(config), *_loss(config), *_passes(config)):
        if applies:
            yield Problem(where, what, hint)
    yield from _plugins(config)


def unsloth_warnings(config: RunConfig) -> Iterator[str]:
    """Yield a sentence for every setting of leanrl's own engine that unsloth's takes no notice of."""
    if config.backend != "unsloth":
        return
    if config.model.attention != "sdpa":
        yield "model.attention has no effect: with backend unsloth its own kernels choose the attention."
    if config.train.probe == "always":
        yield "train.probe has no effect: the probe runs leanrl's own engine, and backend is unsloth."


def _ranks(config: RunConfig) -> list[_Check]:
    hardware = config.hardware
    return [
        (
            hardware.is_cpu,
            "backend, hardware.num_gpus",
            "unsloth needs a GPU",
            "`-s backend=hf`",
        ),
        (
            config.num_train_ranks > 1,
            "backend, hardware.num_gpus",
            f"{config.num_train_ranks} training ranks are asked for, and unsloth does not support several cards yet: "
            "FSDP2 with its fast rollouts is refused there, and DDP was never seen to run",
            "`-s hardware.num_gpus=1 -s rollout.num_gpus=0`, or `-s backend=hf`",
        ),
    ]


def _weights(config: RunConfig) -> list[_Check]:
    tuning = config.model.tuning
    return [
        (
            tuning.method == "full",
            "backend, model.tuning.method",
            "unsloth refuses full parameters together with fast rollouts, so it has nothing to add there",
            "`-s model.tuning.method=lora`, or `-s backend=hf`",
        ),
        (
            tuning.start_adapter is not None,
            "backend, model.tuning.start_adapter",
            "unsloth drops TRL's reference adapter: the KL would be taken against the base, not where the run starts",
            "`-s model.tuning.start_adapter=null`, or `-s backend=hf`",
        ),
        (
            tuning.method != "full" and tuning.adapter_dtype != "float32",
            "backend, model.tuning.adapter_dtype",
            "unsloth's kernels are written for adapters in float32",
            "`-s model.tuning.adapter_dtype=float32`, or `-s backend=hf`",
        ),
        (
            (config.model.dtype, config.model.compute_dtype) != ("bfloat16", "bfloat16"),
            "backend, model.dtype, model.compute_dtype",
            "unsloth's trainer turns bfloat16 on, whatever is asked for",
            "`-s model.dtype=bfloat16 -s model.compute_dtype=bfloat16`, or `-s backend=hf`",
        ),
    ]


def _loss(config: RunConfig) -> list[_Check]:
    """unsloth's patch replaces `compute_loss`: a loss of leanrl's own would never be called."""
    algorithm, correction = config.algorithm, config.algorithm.correction["name"]
    never_called = "unsloth computes the loss itself, and leanrl's would never be called"
    return [
        (
            config.model.tuning.dropout > 0 and algorithm.num_iterations > 1,
            "backend, model.tuning.dropout, algorithm.num_iterations",
            f"{never_called}; its ratio compares a pass with dropout with one without, so that it is not 1 before the "
            "first update",
            "`-s model.tuning.dropout=0`, or `-s backend=hf`",
        ),
        (
            config.train.updates_per_rollout > 1,
            "backend, train.updates_per_rollout",
            "TRL's loop, which unsloth keeps, shuffles a rollout's completions before it cuts them: no update would "
            "have whole groups",
            "`-s train.updates_per_rollout=1`, or `-s backend=hf`",
        ),
        (
            algorithm.loss != "clip",
            "backend, algorithm.loss",
            f"{never_called}; of its losses only clip was compared with TRL's",
            "`-s algorithm.loss=clip`, or `-s backend=hf`",
        ),
        (
            algorithm.kl_beta > 0 and algorithm.kl_estimator != "k3",
            "backend, algorithm.kl_estimator",
            f"{never_called}; its KL is k3",
            "`-s algorithm.kl_estimator=k3`, or `-s backend=hf`",
        ),
        (
            algorithm.entropy_coef > 0,
            "backend, algorithm.entropy_coef",
            f"{never_called}, nor its entropy bonus",
            "`-s algorithm.entropy_coef=0`, or `-s backend=hf`",
        ),
        (
            algorithm.aggregation == "prompt_token_mean",
            "backend, algorithm.aggregation",
            "TRL's loop, which unsloth keeps, shuffles a step's completions before it cuts them: no micro-batch is one "
            "prompt's group",
            "`-s algorithm.aggregation=batch_token_mean`, or `-s backend=hf`",
        ),
        (
            correction not in ("none", "token_truncate") and config.rollout.engine != "hf",
            "backend, algorithm.correction.name",
            f"unsloth applies the correction itself, by token_truncate alone, and {correction} is asked for",
            "`-s algorithm.correction.name=token_truncate`, or `-s backend=hf`",
        ),
    ]


def _plugins(config: RunConfig) -> Iterator[Problem]:
    """TRL's loop takes one decision of a plug-in's, the advantage; unsloth applies a correction of its own."""
    for seam in get_args(Seam):
        choice = config.algorithm.choice(seam)
        if choice is not None and seam not in ("advantage", "correction"):
            yield Problem(
                f"backend, algorithm.{seam}",
                f"TRL's loop, which unsloth keeps, would never call {choice.name}",
                f"`-s algorithm.{seam}=null`, or `-s backend=hf`",
            )


def _passes(config: RunConfig) -> list[_Check]:
    size, per_rank = config.train.micro_batch_completions, config.rows_per_rank
    even = max((number for number in range(1, size + 1) if per_rank % number == 0), default=1)
    return [
        (
            config.train.gradient_checkpointing == "auto" or config.train.kept_layers > 0,
            "backend, train.gradient_checkpointing, train.kept_layers",
            "unsloth's own checkpointing recomputes every layer or none",
            "`-s train.gradient_checkpointing=true -s train.kept_layers=0`, or `-s backend=hf`",
        ),
        (
            config.train.max_tokens_per_micro_batch is not None,
            "backend, train.max_tokens_per_micro_batch",
            "TRL's loop, which unsloth keeps, counts completions, not tokens",
            "`-s train.max_tokens_per_micro_batch=null`, or `-s backend=hf`",
        ),
        (
            config.train.max_tokens_per_micro_batch is None and size < per_rank and per_rank % size != 0,
            "backend, train.micro_batch_completions",
            f"TRL's loop, which unsloth keeps, needs micro-batches of one size, and {size} does not divide {per_rank}",
            f"`{setting('train.micro_batch_completions', even)}`, or `-s backend=hf`",
        ),
    ]
