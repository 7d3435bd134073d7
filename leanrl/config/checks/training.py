"""Sizes, method, optimizer and algorithm: keys that contradict each other."""

from collections.abc import Iterator

from leanrl.config.schema import RunConfig
from leanrl.config.sections.lengths import length_contradiction
from leanrl.errors import Problem
from leanrl.hints import setting


def training_contradictions(config: RunConfig) -> Iterator[Problem]:
    """Yield every combination that cannot be run; `where` names the keys."""
    checks = (
        _groups,
        _activations,
        _tuning,
        _schedule,
        _reference,
        _whole_distribution,
        _other_base,
        _lengths,
    )
    for check in checks:
        yield from check(config)


def _lengths(config: RunConfig) -> Iterator[Problem]:
    lengths = config.rollout.lengths
    limit = lengths.limit_tokens or config.rollout.max_completion_tokens
    if lengths.mean_tokens is None:
        return
    problem = length_contradiction(lengths.mean_tokens, limit, lengths.cut_share)
    if problem is not None:
        yield Problem(
            "rollout.lengths.mean_tokens, rollout.lengths.cut_share, rollout.lengths.limit_tokens",
            problem,
            "rollout.lengths.limit_tokens is the limit under which the completions were sampled; "
            f"{setting('rollout.lengths.mean_tokens', None)} plans without them",
        )


def _groups(config: RunConfig) -> Iterator[Problem]:
    """A group is the completions of one prompt; its advantage needs all of them on one rank."""
    ranks, prompts, group = config.num_train_ranks, config.train.num_prompts, config.train.num_completions
    if prompts % ranks:
        yield Problem(
            "train.num_prompts, train.num_completions, hardware.num_gpus, rollout.num_gpus",
            _why_groups_do_not_divide(ranks, prompts, group),
            f"a rank holds whole groups: {_what_divides_groups(config)}",
        )
    elif prompts % (ranks * config.train.updates_per_rollout):
        yield _uneven_parts(config)
    elif config.train.max_tokens_per_micro_batch is not None:
        yield from _token_budget(config)


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


def _uneven_parts(config: RunConfig) -> Problem:
    """Return the problem of a rollout that its updates cannot share: each takes whole groups of every rank."""
    ranks, prompts, parts = config.num_train_ranks, config.train.num_prompts, config.train.updates_per_rollout
    per_rank = prompts // ranks
    works = [number for number in range(1, per_rank + 1) if per_rank % number == 0]
    nearest = min(works, key=lambda number: abs(number - parts))
    choices = ", ".join(map(str, works))
    above = -(-prompts // (ranks * parts)) * ranks * parts
    on_ranks = f" on each of {ranks} ranks" if ranks > 1 else ""
    return Problem(
        "train.updates_per_rollout, train.num_prompts",
        f"the {per_rank} prompts of a rollout{on_ranks} cannot be shared evenly by {parts} updates",
        f"`{setting('train.updates_per_rollout', nearest)}` (of {choices}), or `{setting('train.num_prompts', above)}`",
    )


def _token_budget(config: RunConfig) -> Iterator[Problem]:
    budget, rollout = config.train.max_tokens_per_micro_batch, config.rollout
    longest = rollout.max_prompt_tokens + rollout.max_completion_tokens
    if isinstance(budget, int) and budget < longest:
        yield Problem(
            "train.max_tokens_per_micro_batch, rollout.max_prompt_tokens, rollout.max_completion_tokens",
            f"a completion and its prompt may have {longest} tokens and cannot be divided, so {budget} are too few",
            f"`{setting('train.max_tokens_per_micro_batch', longest)}`",
        )


def _activations(config: RunConfig) -> Iterator[Problem]:
    if config.train.offload_activations and not config.train.gradient_checkpointing:
        yield Problem(
            "train.offload_activations, train.gradient_checkpointing",
            "every activation of every layer would travel to host memory, not the layers' inputs alone",
            "`-s train.gradient_checkpointing=true`",
        )
    if config.train.gradient_checkpointing == "auto" and config.train.kept_layers:
        yield Problem(
            "train.gradient_checkpointing, train.kept_layers",
            f"auto chooses how many layers are kept, and {config.train.kept_layers} are asked for",
            f"`{setting('train.gradient_checkpointing', True)}` keeps {config.train.kept_layers}, or "
            f"`{setting('train.kept_layers', 0)}` leaves it to auto",
        )
    if config.train.pack_rows == "always" and not config.packs_rows:
        yield Problem(
            "train.pack_rows, model.attention, backend",
            f"packed rows have attention of their own in place of sdpa, not of {config.model.attention} or of another "
            f"backend than hf, and this one is {config.backend}",
            "`-s train.pack_rows=auto` pads them",
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


def _whole_distribution(config: RunConfig) -> Iterator[Problem]:
    """A server reports the whole distribution before temperature; leanrl's own worker scales the logits."""
    rollout = config.rollout
    is_users = rollout.engine == "vllm-server" and rollout.server_url is not None
    if is_users and not config.samples_plainly and rollout.temperature != 1.0:
        yield Problem(
            "rollout.server_url, rollout.temperature, rollout.top_p",
            "with top_p, top_k, min_p or a penalty a server of your own reports the log-probabilities that the loss "
            f"needs at temperature 1 alone, and it is {rollout.temperature:g}",
            "`-s rollout.temperature=1.0`, or `-s rollout.server_url=null`, which starts a server that can",
        )


def _other_base(config: RunConfig) -> Iterator[Problem]:
    """Rounding to NF4 moves a token's log-probability by more than most updates do."""
    correction = config.algorithm.correction["name"]
    if config.serves_other_base and correction in ("none", "sequence_mask"):
        why = "nothing would correct it" if correction == "none" else "its window would leave every completion out"
        yield Problem(
            "algorithm.correction.name, rollout.base",
            f"vLLM samples from the 16-bit base and NF4 is trained, and with {correction} {why}",
            "`-s algorithm.correction.name=token_truncate`, or `-s rollout.base=nf4`",
        )
