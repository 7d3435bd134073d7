"""Settings without effect beside the others, and wasteful ones."""

from collections.abc import Iterator

from leanrl.config.scheduled import active_schedules
from leanrl.config.schema import RunConfig, TuningConfig
from leanrl.config.sections.algorithm import AlgorithmConfig

# bf16 keeps 8 bits: an update below 1/512 of a weight is rounded away. A's weights are drawn around 1/sqrt(hidden),
# 0.025 for 1536, and Adam's step is about the learning rate.
_BF16_STEP = 5.0e-5
# Weights of a linear layer lie around 1/sqrt(hidden); of 1,536 inputs nearly all are below 0.1.
_LARGEST_WEIGHT = 0.1


def idle_settings(config: RunConfig) -> Iterator[str]:
    """Yield a sentence for every one of them."""
    checks = (
        *(_foreign_code, _idle_rollout, _idle_algorithm, _idle_hardware, _idle_rest, _idle_heldout),
        *(_idle_stages, _lost_updates, _ruinous_updates, _uneven_micro_batches),
    )
    for check in checks:
        yield from check(config)


def _foreign_code(config: RunConfig) -> Iterator[str]:
    if config.model.trust_remote_code:
        yield (
            f"model.trust_remote_code is true: Python files that come with {config.model.id} run on this machine with "
            "your rights."
        )


def _idle_rollout(config: RunConfig) -> Iterator[str]:
    rollout = config.rollout
    if rollout.base == "nf4" and not config.serves_nf4:
        yield "rollout.base has no effect: only vLLM has a base of its own, and only qlora trains on NF4."
    if rollout.engine == "hf":
        # unsloth's loader is given the context, whoever generates.
        vllms = ["gpu_memory_fraction"] if config.backend == "unsloth" else ["max_model_tokens", "gpu_memory_fraction"]
        for name in vllms:
            if getattr(rollout, name) is not None:
                yield f"rollout.{name} has no effect: rollout.engine is hf, and it is vLLM's."
    if rollout.weight_transport != "shm" and rollout.engine != "vllm-server":
        yield f"rollout.weight_transport has no effect: rollout.engine is {rollout.engine}."
    elif rollout.weight_transport != "shm" and config.model.tuning.method != "full":
        method = config.model.tuning.method
        yield f"rollout.weight_transport has no effect: of {method} only the adapter travels, through a folder."
    if rollout.engine != "vllm-server":
        for name in ("server_url", "server_port"):
            if getattr(rollout, name) is not None:
                yield f"rollout.{name} has no effect: rollout.engine is {rollout.engine}."
    elif rollout.server_url is not None and rollout.server_port is not None:
        yield "rollout.server_port has no effect: rollout.server_url names a server that runs already."
    if rollout.engine != "vllm-colocate" and rollout.sleep_level in ("kv", 2):
        yield f"rollout.sleep_level has no effect: {rollout.engine} does not sleep."


def _idle_algorithm(config: RunConfig) -> Iterator[str]:
    algorithm, usual = config.algorithm, AlgorithmConfig()
    # token_truncate is the default: nobody asked for it, so nobody need be told.
    if config.rollout.engine == "hf" and algorithm.correction["name"] not in ("none", "token_truncate"):
        yield (
            "algorithm.correction has no effect: with rollout.engine hf the model that trains "
            "also samples, so there is no difference to correct."
        )
    if algorithm.kl_beta == 0.0 and algorithm.kl_estimator != usual.kl_estimator:
        yield "algorithm.kl_estimator has no effect: algorithm.kl_beta is 0."
    if config.steps_per_rollout == 1 and (algorithm.clip_low, algorithm.clip_high) != (0.2, 0.2):
        yield (
            "algorithm.clip_low and clip_high have no effect: with algorithm.num_iterations 1 the ratio "
            "they bound is always 1."
        )


def _idle_stages(config: RunConfig) -> Iterator[str]:
    """What schedules and the watchdog have for steps behind the last one."""
    last = config.train.max_steps
    if last is None or config.train.num_epochs is not None:
        return
    for name, schedule in active_schedules(config).items():
        late = [step for step in schedule.steps if step >= last]
        if late:
            yield f"schedules.{name}.steps from {late[0]} on have no effect: the run ends after {last} steps."
    every = config.schedules.reset_reference_every_steps
    if every is not None and every >= last:
        yield f"schedules.reset_reference_every_steps {every} has no effect: the run ends after {last} steps."
    longer, rollouts = config.schedules.automatic_length, -(-last // config.steps_per_rollout)
    if longer.from_tokens is not None and 2 * longer.window_rollouts >= rollouts:
        yield (
            f"schedules.automatic_length.window_rollouts {longer.window_rollouts} has no effect: two such windows are "
            f"compared, and the run has {rollouts} rollouts; completions stay at {longer.from_tokens} tokens."
        )
    watchdog = config.watchdog
    first = max(watchdog.baseline_steps, watchdog.window_steps) + watchdog.act_steps - 1
    if watchdog.level == "act" and first > last:
        yield (
            f"watchdog.level act has no effect: with its baseline_steps, window_steps and act_steps it acts at step "
            f"{first} at the earliest, and the run ends after {last} steps."
        )


def _idle_hardware(config: RunConfig) -> Iterator[str]:
    if config.hardware.is_cpu:
        for name in ("gpu", "vram_gib", "bandwidth_gb_per_second", "bf16_tflops", "usd_per_hour"):
            if getattr(config.hardware, name) is not None:
                yield f"hardware.{name} has no effect: the run is on the CPU."


def _idle_rest(config: RunConfig) -> Iterator[str]:
    if config.train.num_epochs is not None and config.train.max_steps is not None:
        yield f"train.max_steps {config.train.max_steps} has no effect: train.num_epochs decides how long the run is."
    if config.checkpoints.every_steps != config.steps_between_checkpoints:
        yield (
            f"checkpoints.every_steps {config.checkpoints.every_steps} is rounded up to "
            f"{config.steps_between_checkpoints}: unsloth's checkpoints lie between rollouts, which serve "
            f"{config.steps_per_rollout} steps each."
        )
    if config.eval.every_steps != config.steps_between_evaluations:
        yield (
            f"eval.every_steps {config.eval.every_steps} is rounded up to {config.steps_between_evaluations}: "
            f"evaluations lie between rollouts, which serve {config.steps_per_rollout} steps each."
        )
    if config.log.track_completions and config.tracking == "none":
        yield "log.track_completions has no effect: tracking is none, so there is no tracker to send completions to."
    elif config.log.track_completions and not config.log.completions_every_steps:
        yield "log.track_completions has no effect: log.completions_every_steps is 0, so no completions are saved."
    if config.train.kept_layers and not config.train.gradient_checkpointing:
        yield "train.kept_layers has no effect: without train.gradient_checkpointing every layer keeps its activations."
    if config.train.offload_activations and config.hardware.is_cpu:
        yield "train.offload_activations has no effect: on a CPU activations are in host memory anyway."
    if config.train.reference_device == "host" and config.hardware.is_cpu:
        yield "train.reference_device host has no effect on a CPU: `-s train.reference_device=disk` frees host memory."
    if config.model.tuning.method == "full":
        usual = TuningConfig()
        for name in ("rank", "alpha", "alpha_ratio", "rslora", "dropout", "targets", "init", "adapter_dtype"):
            if getattr(config.model.tuning, name) != getattr(usual, name):
                yield f"model.tuning.{name} has no effect: model.tuning.method is full."
    if config.optimizer.schedule != "cosine_with_min" and config.optimizer.min_learning_rate_ratio > 0.0:
        yield "optimizer.min_learning_rate_ratio has no effect: only optimizer.schedule cosine_with_min has a floor."
    if config.hardware.parallel == "fsdp2" and config.num_train_ranks == 1:
        yield "hardware.parallel fsdp2 has no effect: one rank has nothing to share."


def _idle_heldout(config: RunConfig) -> Iterator[str]:
    is_asked = config.eval.greedy or config.eval.every_steps is not None
    if config.data.num_heldout and not is_asked:
        yield (
            f"data.num_heldout keeps {config.data.num_heldout} problems out of training, and eval.greedy is false, so "
            "they are never asked: `-s data.num_heldout=0` trains on them."
        )


def _ruinous_updates(config: RunConfig) -> Iterator[str]:
    """Adam moves each weight by about the learning rate, whatever the gradient."""
    rate = config.optimizer.learning_rate
    if rate > _LARGEST_WEIGHT:
        yield (
            f"optimizer.learning_rate {rate:g} moves each weight by about {rate:g} a step, and most weights are "
            f"smaller than {_LARGEST_WEIGHT:g}: the model is lost in a few steps. Adapters train at 1e-5 to 1e-3, all "
            "weights at 1e-7 to 1e-5."
        )
    for name, weight in config.rewards.items():
        if weight < 0:
            yield f"rewards.{name} is {weight:g}: completions are rewarded for a low {name}."


def loses_updates(config: RunConfig) -> bool:
    """Whether most steps of the optimizer are too small for the numbers that hold the trained weights."""
    return any(True for _ in _lost_updates(config))


def _lost_updates(config: RunConfig) -> Iterator[str]:
    """Only optimizer.name adamw rounds to the nearest: the 8-bit ones round at random, the offloaded has masters."""
    rate, method = config.optimizer.learning_rate, config.model.tuning.method
    if config.optimizer.name != "adamw" or rate >= _BF16_STEP:
        return
    if method != "full" and config.model.tuning.adapter_dtype == "bfloat16":
        yield (
            f"optimizer.learning_rate {rate:g} is too small for most weights of an adapter "
            "in bfloat16, which drops a step below 1/512 of the weight: `-s model.tuning.adapter_dtype=float32`."
        )
    # Ranks that share the weights (FSDP2) keep them in fp32, whatever was loaded.
    if method == "full" and config.model.dtype == "bfloat16" and not config.shares_weights:
        yield (
            f"optimizer.learning_rate {rate:g} is too small for most weights in bfloat16, which drops a step below "
            "1/512 of the weight: `-s model.dtype=float32` keeps fp32 masters, `-s optimizer.name=adamw_offloaded` "
            "keeps them in host memory, and adamw_8bit rounds at random."
        )


def _uneven_micro_batches(config: RunConfig) -> Iterator[str]:
    """The estimator is the same, but a pass that is not full takes as long to start."""
    size, per_rank = config.train.micro_batch_completions, config.rows_per_rank
    if config.train.max_tokens_per_micro_batch is None and size > per_rank > 0:
        yield (
            f"train.micro_batch_completions {size} is more than the {per_rank} completions of a rank: one pass holds "
            "all."
        )
    if config.train.max_tokens_per_micro_batch is None and size < per_rank and per_rank % size:
        even = [number for number in range(1, per_rank + 1) if per_rank % number == 0]
        below, above = max(n for n in even if n < size), min(n for n in even if n > size)
        yield (
            f"train.micro_batch_completions {size} does not divide the {per_rank} completions of a rank: the last of "
            f"{config.micro_batches_per_step} passes holds {per_rank % size}. {below} or {above} would."
        )
