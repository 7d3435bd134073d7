"""Keys that contradict each other, and settings without effect."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from leanrl.config.schema import AlgorithmConfig, RunConfig, TuningConfig
from leanrl.config.sharing import sharing_obstacle
from leanrl.config.unsloth import unsloth_contradictions, unsloth_warnings
from leanrl.errors import Problem

# bf16 keeps 8 bits: an update below 1/512 of a weight is rounded away. A's weights are drawn around 1/sqrt(hidden),
# 0.025 for 1536, and Adam's step is about the learning rate.
_BF16_STEP = 5.0e-5


def find_contradictions(config: RunConfig) -> list[Problem]:
    """Return every combination of keys that cannot be run; `where` names the keys."""
    checks = (
        *(_sources, _rewards, _devices, _own_card, _rollout_cards, _server_url, _sleep, _sharing),
        *(_groups, _lengths, _tuning, _schedule, _reference, _heldout, _importance_window, _other_base, _activations),
        unsloth_contradictions,
    )
    return [problem for check in checks for problem in check(config)]


def find_warnings(config: RunConfig) -> list[str]:
    """Return a sentence for every setting that has no effect beside the others, or a wasteful one."""
    checks = (
        *(_idle_rollout, _idle_algorithm, _idle_hardware, _idle_rest, _lost_updates, _uneven_micro_batches),
        unsloth_warnings,
    )
    return [sentence for check in checks for sentence in check(config)]


def _sources(config: RunConfig) -> Iterator[Problem]:
    data = config.data
    if not config.model.id:
        yield Problem("model.id", "no model is named", "`-s model.id=<Hub id or folder>`")
    sources = {"data.generator": data.generator, "data.path": data.path, "data.hub_id": data.hub_id}
    named = [name for name, value in sources.items() if value is not None]
    if not named:
        yield Problem(", ".join(sources), "no problems to train on", "set one, for example `-s data.path=my.jsonl`")
    if len(named) > 1:
        yield Problem(", ".join(named), "name several sources of problems", "keep one and leave the others out")
    if "{problem}" not in data.prompt_template:
        yield Problem(
            "data.prompt_template", "has no {problem}: every prompt would be the same", "put {problem} where it belongs"
        )


def _rewards(config: RunConfig) -> Iterator[Problem]:
    if not config.rewards:
        yield Problem("rewards", "there is none, so nothing could be learnt", "for example `-s rewards.accuracy=1.0`")
    elif not any(config.rewards.values()):
        yield Problem("rewards", "every weight is 0, so nothing could be learnt", "give one of them a weight")


def _activations(config: RunConfig) -> Iterator[Problem]:
    if config.train.offload_activations and not config.train.gradient_checkpointing:
        yield Problem(
            "train.offload_activations, train.gradient_checkpointing",
            "every activation of every layer would travel to host memory, not the layers' inputs alone",
            "`-s train.gradient_checkpointing=true`",
        )
    if config.train.pack_rows == "always" and not config.packs_rows:
        yield Problem(
            "train.pack_rows, model.attention, backend",
            f"packed rows have attention of their own in place of sdpa, not of {config.model.attention} or of another "
            f"backend than hf, and this one is {config.backend}",
            "`-s train.pack_rows=auto` pads them",
        )


def _devices(config: RunConfig) -> Iterator[Problem]:
    hardware = config.hardware
    where = "hardware.device, hardware.num_gpus"
    if hardware.device == "cpu" and hardware.num_gpus > 0:
        yield Problem(where, f"the CPU is to train, but with {hardware.num_gpus} GPUs", "`-s hardware.num_gpus=0`")
    if hardware.device == "cuda" and hardware.num_gpus == 0:
        yield Problem(where, "a GPU is to train, but there are 0", "`-s hardware.num_gpus=1`")
    if hardware.is_cpu and config.model.attention == "flash_attention_2":
        yield Problem("model.attention", "flash_attention_2 needs a GPU", "`-s model.attention=sdpa`")


def _own_card(config: RunConfig) -> Iterator[Problem]:
    """A card that no name stands for is described by three numbers; time and cost need all of them."""
    hardware = config.hardware
    needed = {name: getattr(hardware, name) for name in ("vram_gib", "bandwidth_gb_per_second", "bf16_tflops")}
    given = [name for name, value in needed.items() if value is not None and name != "vram_gib"]
    given += ["usd_per_hour"] if hardware.usd_per_hour is not None else []
    missing = [name for name, value in needed.items() if value is None]
    if hardware.gpu is None and given and missing:
        yield Problem(
            ", ".join(f"hardware.{name}" for name in given),
            "without a card's name there is no time and no cost to predict",
            f"name one with `-s hardware.gpu=<name>`, or give {', '.join(f'hardware.{name}' for name in missing)}, too",
        )


def _rollout_cards(config: RunConfig) -> Iterator[Problem]:
    kept, cards, engine = config.rollout.num_gpus, config.hardware.num_gpus, config.rollout.engine
    is_users = engine == "vllm-server" and config.rollout.server_url is not None
    by_engine, by_number = "rollout.engine, rollout.num_gpus", "rollout.num_gpus, hardware.num_gpus"
    share = "`-s rollout.engine=vllm-colocate -s rollout.num_gpus=0` shares the card"
    if engine != "vllm-server" and kept > 0:
        what = f"{kept} cards are kept for rollouts, but {engine} uses the training cards"
        yield Problem(by_engine, what, "`-s rollout.num_gpus=0`")
    elif is_users and config.model.tuning.method == "full":
        what = "full parameters would overwrite the weights of a server that others may use"
        yield Problem("rollout.server_url, model.tuning.method", what, "without it leanrl starts one of its own")
    elif is_users and kept > 0:
        what = f"{kept} cards are kept for rollouts, and the server that runs already has its own"
        yield Problem("rollout.server_url, rollout.num_gpus", what, "`-s rollout.num_gpus=0`")
    elif engine == "vllm-server" and kept == 0 and cards > 0 and not is_users:
        hint = "`-s rollout.num_gpus=1`" if cards > 1 else share
        yield Problem(by_engine, "a vLLM server needs a card of its own", hint)
    elif kept >= cards > 0:
        hint = f"`-s rollout.num_gpus={cards - 1}`" if cards > 1 else share
        yield Problem(by_number, f"{kept} of {cards} cards are kept for rollouts, so none trains", hint)
    elif kept > cards:
        yield Problem(by_number, f"{kept} cards for rollouts, but no GPU", "`-s rollout.num_gpus=0`")


def _server_url(config: RunConfig) -> Iterator[Problem]:
    url = config.rollout.server_url
    if url is not None and not _is_web_address(url):
        yield Problem("rollout.server_url", f"{url} is no address of a server", "such as http://127.0.0.1:8000")


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number below 65536
        return False


def _sleep(config: RunConfig) -> Iterator[Problem]:
    rollout = config.rollout
    if rollout.engine == "vllm-colocate" and rollout.sleep_level == 2 and config.model.tuning.method != "full":
        yield Problem(
            "rollout.sleep_level, model.tuning.method",
            f"level 2 drops vLLM's copy of the base, and {config.model.tuning.method} sends it only the adapter",
            "`-s rollout.sleep_level=1` keeps it in host memory",
        )


def _sharing(config: RunConfig) -> Iterator[Problem]:
    obstacle = sharing_obstacle(config)
    if config.rollout.share_base is True and obstacle is not None:
        yield Problem("rollout.share_base", f"the base cannot be shared: {obstacle}", "`-s rollout.share_base=auto`")


def _groups(config: RunConfig) -> Iterator[Problem]:
    """A group is the completions of one prompt; its advantage needs all of them on one rank."""
    ranks, prompts, group = config.num_train_ranks, config.train.num_prompts, config.train.num_completions
    if prompts % ranks:
        yield Problem(
            "train.num_prompts, train.num_completions, hardware.num_gpus, rollout.num_gpus",
            _why_groups_do_not_divide(ranks, prompts, group),
            f"a rank holds whole groups: {_what_divides_groups(config)}",
        )
    elif config.train.max_tokens_per_micro_batch is not None:
        yield from _token_budget(config)
    elif config.train.micro_batch_completions > config.completions_per_rank:
        most = config.completions_per_rank
        yield Problem(
            "train.micro_batch_completions, train.num_prompts, train.num_completions",
            f"a micro-batch of {config.train.micro_batch_completions} is more than the {most} completions of a rank",
            f"`-s train.micro_batch_completions={most}`",
        )


def _why_groups_do_not_divide(ranks: int, prompts: int, group: int) -> str:
    if ranks > prompts:
        return f"{ranks} training ranks are more than the {prompts} prompts of a step"
    cause = "do not divide evenly" if prompts * group % ranks else "divide only by tearing groups apart"
    return f"{prompts} prompts x {group} completions over {ranks} training ranks {cause}"


def _what_divides_groups(config: RunConfig) -> str:
    """Return the nearest numbers of prompts that work and, on one machine, the most cards that do."""
    ranks, prompts = config.num_train_ranks, config.train.num_prompts
    below, above = prompts // ranks * ranks, -(-prompts // ranks) * ranks
    works = f"train.num_prompts={' or '.join(str(number) for number in (below, above) if number > 0)} works"
    if config.hardware.num_nodes > 1:
        return works
    fewer = max(number for number in range(1, ranks) if prompts % number == 0)
    return f"{works}, and so does hardware.num_gpus={fewer + config.rollout.num_gpus}"


def _token_budget(config: RunConfig) -> Iterator[Problem]:
    budget, rollout = config.train.max_tokens_per_micro_batch, config.rollout
    longest = rollout.max_prompt_tokens + rollout.max_completion_tokens
    if isinstance(budget, int) and budget < longest:
        yield Problem(
            "train.max_tokens_per_micro_batch, rollout.max_prompt_tokens, rollout.max_completion_tokens",
            f"a completion and its prompt may have {longest} tokens and cannot be divided, so {budget} are too few",
            f"`-s train.max_tokens_per_micro_batch={longest}`",
        )


def _lengths(config: RunConfig) -> Iterator[Problem]:
    rollout = config.rollout
    needed = rollout.max_prompt_tokens + rollout.max_completion_tokens
    if rollout.max_model_tokens is not None and rollout.max_model_tokens < needed:
        yield Problem(
            "rollout.max_model_tokens, rollout.max_prompt_tokens, rollout.max_completion_tokens",
            f"{rollout.max_prompt_tokens} + {rollout.max_completion_tokens} tokens do not fit into "
            f"{rollout.max_model_tokens}",
            f"`-s rollout.max_model_tokens={needed}`, or null for just enough",
        )


def _tuning(config: RunConfig) -> Iterator[Problem]:
    method, parallel = config.model.tuning.method, config.hardware.parallel
    if method != "full" and parallel == "fsdp2":
        yield Problem(
            "hardware.parallel, model.tuning.method",
            f"fsdp2 shards full parameters; {method} trains an adapter",
            "`-s hardware.parallel=ddp`",
        )
    if method == "qlora" and "float32" in (config.model.dtype, config.model.compute_dtype):
        yield Problem(
            "model.tuning.method, model.dtype, model.compute_dtype",
            "an NF4 base computes in bfloat16, not in float32",
            "`-s model.dtype=bfloat16 -s model.compute_dtype=bfloat16`, or `-s model.tuning.method=lora`",
        )
    if method == "full" and config.model.tuning.start_adapter is not None:
        yield Problem(
            "model.tuning.start_adapter, model.tuning.method",
            "full trains all weights, and an adapter is named to go on from",
            "`-s model.tuning.method=lora`, or `leanrl merge` the adapter and train the merged model",
        )
    if config.model.tuning.targets == []:
        yield Problem("model.tuning.targets", "names no module, so nothing would be trained", "all-linear is a choice")


def _schedule(config: RunConfig) -> Iterator[Problem]:
    optimizer = config.optimizer
    if optimizer.schedule == "cosine_with_min" and optimizer.min_learning_rate_ratio == 0.0:
        yield Problem(
            "optimizer.schedule, optimizer.min_learning_rate_ratio",
            "cosine_with_min needs a floor, and it is 0",
            "`-s optimizer.min_learning_rate_ratio=0.1`, or `-s optimizer.schedule=cosine`",
        )


def _reference(config: RunConfig) -> Iterator[Problem]:
    if config.train.reference_device == "gpu":
        return
    where, hint = "train.reference_device, ", "`-s train.reference_device=gpu`"
    if config.algorithm.kl_beta == 0.0:
        yield Problem(where + "algorithm.kl_beta", "without a KL there is no reference to keep elsewhere", hint)
    elif config.model.tuning.method != "full":
        yield Problem(
            where + "model.tuning.method", "the reference of an adapter is the base without it, not a copy", hint
        )
    elif config.train.reference_device == "disk" and config.shares_weights:
        yield Problem(
            where + "hardware.parallel",
            "of a reference that ranks share, each keeps its shard in memory",
            "`-s train.reference_device=host`",
        )


def _importance_window(config: RunConfig) -> Iterator[Problem]:
    low, high = config.algorithm.importance_mask_low, config.algorithm.importance_mask_high
    if low > high:
        yield Problem(
            "algorithm.importance_mask_low, algorithm.importance_mask_high",
            f"no ratio lies between {low:g} and {high:g}, so every completion would be left out",
            "for example `-s algorithm.importance_mask_low=0.999 -s algorithm.importance_mask_high=1.002`",
        )


def _other_base(config: RunConfig) -> Iterator[Problem]:
    """Rounding to NF4 moves a token's log-probability by more than most updates do."""
    correction = config.algorithm.importance_correction
    if config.serves_other_base and correction != "token_truncate":
        why = "nothing would correct it" if correction == "none" else "its window would leave every completion out"
        yield Problem(
            "algorithm.importance_correction, rollout.base",
            f"vLLM samples from the 16-bit base and NF4 is trained, and with {correction} {why}",
            "`-s algorithm.importance_correction=token_truncate`, or `-s rollout.base=nf4`",
        )


def _heldout(config: RunConfig) -> Iterator[Problem]:
    where = "data.num_heldout, eval.greedy"
    if config.data.num_heldout and not config.eval.greedy:
        yield Problem(
            where, f"{config.data.num_heldout} problems are held out but never asked", "`-s eval.greedy=true`"
        )
    if config.eval.greedy and not config.data.num_heldout:
        yield Problem(where, "no problems are held out to be asked", "`-s data.num_heldout=50`")


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
    if config.rollout.engine == "hf" and algorithm.importance_correction == "sequence_mask":
        yield (
            "algorithm.importance_correction has no effect: with rollout.engine hf the model that trains "
            "also samples, so there is no difference to correct."
        )
    if algorithm.importance_correction == "none" and algorithm.importance_clip != usual.importance_clip:
        yield "algorithm.importance_clip has no effect: algorithm.importance_correction is none."
    window = ("importance_mask_low", "importance_mask_high")
    if algorithm.importance_correction != "sequence_mask" and any(
        getattr(algorithm, name) != getattr(usual, name) for name in window
    ):
        yield "algorithm.importance_mask_low and _high have no effect: only sequence_mask leaves completions out."
    if algorithm.kl_beta == 0.0 and algorithm.kl_estimator != usual.kl_estimator:
        yield "algorithm.kl_estimator has no effect: algorithm.kl_beta is 0."
    if algorithm.num_iterations == 1 and (algorithm.clip_low, algorithm.clip_high) != (0.2, 0.2):
        yield (
            "algorithm.clip_low and clip_high have no effect: with algorithm.num_iterations 1 the ratio "
            "they bound is always 1."
        )


def _idle_hardware(config: RunConfig) -> Iterator[str]:
    if config.hardware.is_cpu:
        for name in ("gpu", "vram_gib", "bandwidth_gb_per_second", "bf16_tflops", "usd_per_hour"):
            if getattr(config.hardware, name) is not None:
                yield f"hardware.{name} has no effect: the run is on the CPU."


def _uneven_micro_batches(config: RunConfig) -> Iterator[str]:
    """The estimator is the same, but a pass that is not full takes as long to start."""
    size, per_rank = config.train.micro_batch_completions, config.completions_per_rank
    if config.train.max_tokens_per_micro_batch is None and size < per_rank and per_rank % size:
        even = [number for number in range(1, per_rank + 1) if per_rank % number == 0]
        below, above = max(n for n in even if n < size), min(n for n in even if n > size)
        yield (
            f"train.micro_batch_completions {size} does not divide the {per_rank} completions of a rank: the last of "
            f"{config.micro_batches_per_step} passes holds {per_rank % size}. {below} or {above} would."
        )


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


def _idle_rest(config: RunConfig) -> Iterator[str]:
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
