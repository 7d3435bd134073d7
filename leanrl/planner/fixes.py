"""Changes of a config that make a run fit, cheapest first, as command-line flags."""

from collections.abc import Callable, Iterator
from typing import Any

from leanrl.config.check import find_contradictions
from leanrl.config.schema import ReferenceDevice, RunConfig
from leanrl.config.sharing import releases_cache
from leanrl.config.support import not_in_this_version
from leanrl.errors import Problem
from leanrl.hints import setting

Changes = dict[str, Any]

_MOST_FIXES = 3


def find_fixes(config: RunConfig, *, fits: Callable[[RunConfig], bool], vllm: str | None = None) -> tuple[str, ...]:
    """Return up to three changes that make the run fit, as `-s` flags; none if nothing does.

    Each change alone first, in the order of what it costs in speed or fidelity; where no single one is enough,
    they are added up until the run fits.
    """
    candidates = list(_candidates(config, vllm))
    alone = [changes for changes in candidates if _helps(config, changes, fits)]
    if alone:
        return tuple(as_flags(changes_only(config, changes)) for changes in alone[:_MOST_FIXES])
    together: Changes = {}
    for changes in candidates:
        together |= changes
        if _helps(config, together, fits):
            return (as_flags(changes_only(config, together)),)
    return ()


def with_changes(config: RunConfig, changes: Changes) -> RunConfig:
    """Return the config with values replaced by dotted key."""
    values = config.model_dump()
    for key, value in changes.items():
        *sections, name = key.split(".")
        section = values
        for part in sections:
            section = section[part]
        section[name] = value
    return RunConfig.model_validate(values)


def away_from_training(config: RunConfig) -> ReferenceDevice:
    """Return the next place for a reference that shall not lie where the run trains."""
    return "disk" if config.hardware.is_cpu else "host"


def as_flags(changes: Changes) -> str:
    return " ".join(setting(key, value) for key, value in changes.items())


def changes_only(config: RunConfig, changes: Changes) -> Changes:
    """Return the changes that differ from what the config has."""
    values = config.model_dump()
    return {key: value for key, value in changes.items() if _value(values, key) != value}


def is_refused(config: RunConfig, changes: Changes) -> bool:
    """Whether `leanrl train` would refuse the changes: for a contradiction, or for what this version does not have.

    What it refuses of the config itself does not count.
    """
    before = _refusals(config)
    return any(problem not in before for problem in _refusals(with_changes(config, changes)))


def _refusals(config: RunConfig) -> list[Problem]:
    return [*find_contradictions(config), *not_in_this_version(config)]


def _helps(config: RunConfig, changes: Changes, fits: Callable[[RunConfig], bool]) -> bool:
    return not is_refused(config, changes) and fits(with_changes(config, changes))


def _value(values: Any, key: str) -> Any:
    for part in key.split("."):
        values = values[part]
    return values


def _candidates(config: RunConfig, vllm: str | None) -> Iterator[Changes]:
    is_full = config.model.tuning.method == "full"
    for size in _smaller_micro_batches(config):
        yield micro_batch_changes(config, size)
    if not config.train.gradient_checkpointing:
        yield {"train.gradient_checkpointing": True}
    if config.rollout.engine == "vllm-colocate":
        yield from ({"rollout.sleep_level": level} for level in _deeper_sleep(config, vllm))
    if config.rollout.share_base is False and config.model.tuning.method == "lora":
        yield {"rollout.share_base": "auto"}
    if config.rollout.gpu_memory_fraction is not None:
        yield {"rollout.gpu_memory_fraction": None}
    if config.serves_other_base:
        yield {"rollout.base": "nf4"}
    if is_full and config.algorithm.kl_beta > 0 and config.train.reference_device == "gpu":
        yield {"train.reference_device": away_from_training(config)}
    if is_full and config.num_train_ranks > 1 and config.hardware.parallel == "ddp":
        yield {"hardware.parallel": "fsdp2"}
    if is_full and config.optimizer.name == "adamw":
        yield {"optimizer.name": "adamw_8bit", "model.dtype": "bfloat16"}
        yield {"optimizer.name": "adamw_offloaded", "model.dtype": "bfloat16"}
    # An adapter's reference is its base, its ranks are whole, and NF4 computes in bfloat16.
    as_adapter = {
        "train.reference_device": "gpu",
        "hardware.parallel": "auto",
        "model.dtype": "bfloat16",
        "model.compute_dtype": "bfloat16",
    }
    if is_full:
        yield {"model.tuning.method": "lora", **as_adapter}
    if config.model.tuning.method != "qlora":
        yield {"model.tuning.method": "qlora", **as_adapter}
        if config.rollout.engine != "hf":
            yield {"model.tuning.method": "qlora", **as_adapter, "rollout.base": "nf4"}


def micro_batch_changes(config: RunConfig, size: int) -> Changes:
    """Return what makes a micro-batch hold `size` completions of full length."""
    if config.train.max_tokens_per_micro_batch is None:
        return {"train.micro_batch_completions": size}
    row_tokens = config.rollout.max_prompt_tokens + config.rollout.max_completion_tokens
    return {"train.max_tokens_per_micro_batch": size * row_tokens}


def _smaller_micro_batches(config: RunConfig) -> list[int]:
    """Half, a third, ... of the micro-batch, largest first, in sizes that divide a rank's completions."""
    now, per_rank = config.full_completions_per_micro_batch, max(1, config.completions_per_rank)
    return [size for size in range(now - 1, 0, -1) if per_rank % size == 0]


def _deeper_sleep(config: RunConfig, vllm: str | None) -> list[int | str]:
    """Keys and values come back at once, where this vLLM can give them back alone; weights have to travel."""
    deeper: dict[int | str, list[int | str]] = {0: ["kv", 1], "kv": [1]}
    levels = deeper.get(config.rollout.sleep_level, [])
    return [level for level in levels if level != "kv" or releases_cache(vllm)]
