"""What the search for settings that fit may change: settings of the same run, and variants of the run.

An axis lists changes of keys that belong together: first none, then others from cheap to dear. Its lean options are
those among which the least memory is found, so that few plans tell whether a variant can fit at all.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from leanrl.config.checks.idle import loses_updates
from leanrl.config.checks.sharing import releases_cache
from leanrl.config.schema import ReferenceDevice, RunConfig
from leanrl.planner.search.fixes import Changes, away_from_training, is_refused, micro_batch_changes, with_changes

# Large enough for full matrix units at a hidden size of 1536, small beside the rows of a micro-batch.
_SMALL_TILE_TOKENS = 1024
_FEWEST_COMPLETION_TOKENS = 256
_NONE: Changes = {}


@dataclass(frozen=True)
class Axis:
    """Options of keys that change together; the first is the config's own, and `lean` are those with least memory."""

    options: tuple[Changes, ...]
    lean: tuple[Changes, ...]

    @classmethod
    def of(cls, others: Iterable[Changes], *, leanest: Changes | None = None) -> "Axis":
        """Return the axis of the config's own values and others; without `leanest` every option may be lean."""
        options = (_NONE, *others)
        return cls(options, options if leanest is None else (leanest,))


def setting_axes(config: RunConfig, *, vllm: str | None = None, is_host_limited: bool = False) -> list[Axis]:
    """Return the axes that keep the run what it is, and its arithmetic, in the order of what they cost.

    Args:
        vllm: the version on the cards, as in `Target`.
        is_host_limited: whether host memory is limited too, so that what leaves a card may not fit there.
    """
    axes = [_micro_batches(config), _recomputed(config)]
    if config.rollout.engine == "vllm-colocate":
        axes.append(_sleep_levels(config, vllm, is_host_limited=is_host_limited))
    if config.rollout.share_base is False and config.model.tuning.method == "lora":
        axes.append(Axis.of([{"rollout.share_base": "auto"}]))
    axes += _released_keys(config)
    if config.model.tuning.method == "full" and config.algorithm.kl_beta > 0:
        axes.append(_reference_places(config, is_host_limited=is_host_limited))
    axes += [_tiles(config), _switch(config, "train.offload_activations", leanest=None if is_host_limited else True)]
    return axes


def variants(config: RunConfig) -> Iterator[Changes]:
    """Yield the run as it is, with other arithmetic from one change to many, then with adapters, each alike."""
    yield from method_variants(config)
    for method in methods(config):
        changed = with_changes(config, method)
        yield from ({**method, **arithmetic} for arithmetic in method_variants(changed))


def method_variants(config: RunConfig) -> list[Changes]:
    """Return the run as it is, and with other arithmetic from one change to many; its method stays."""
    return _by_number(arithmetic_axes(config))


def arithmetic_axes(config: RunConfig) -> list[Axis]:
    """Return the axes that keep what is trained, and on what, but not the rounding or the base that generates."""
    is_full = config.model.tuning.method == "full"
    axes = [Axis.of(_coarser_numbers(config))]
    if is_full and config.num_train_ranks > 1 and config.hardware.parallel == "ddp":
        axes.append(Axis.of([{"hardware.parallel": "fsdp2"}]))
    if is_full:
        axes.append(Axis.of(_lean_optimizers(config)))
    elif config.model.tuning.adapter_dtype == "float32":
        coarse = {"model.tuning.adapter_dtype": "bfloat16"}
        axes += [] if loses_updates(with_changes(config, coarse)) else [Axis.of([coarse])]
    if config.serves_other_base:
        axes.insert(0, Axis.of([{"rollout.base": "nf4"}]))
    return axes


def methods(config: RunConfig) -> Iterator[Changes]:
    """Yield the leaner methods: other weights are trained."""
    # An adapter's reference is its base, its ranks are whole, and NF4 computes in bfloat16. A base that vLLM drops does
    # not come back with an adapter, and NF4 cannot be shared.
    as_adapter: Changes = {
        **({"rollout.sleep_level": 1} if config.rollout.sleep_level == 2 else {}),
        **({"rollout.share_base": "auto"} if config.rollout.share_base is True else {}),
        "train.reference_device": "gpu",
        "hardware.parallel": "auto",
        "model.dtype": "bfloat16",
        "model.compute_dtype": "bfloat16",
    }
    if config.model.tuning.method == "full":
        yield {"model.tuning.method": "lora", **as_adapter}
    if config.model.tuning.method != "qlora":
        yield {"model.tuning.method": "qlora", **as_adapter}
        if config.rollout.engine != "hf":
            yield {"model.tuning.method": "qlora", **as_adapter, "rollout.base": "nf4"}


def engines(config: RunConfig) -> Iterator[Changes]:
    """Yield no change, then the trainer's own model as what generates: slow, but the weights exist once."""
    yield _NONE
    if config.rollout.engine == "vllm-colocate" and config.backend == "hf":
        yield {"rollout.engine": "hf", **({"rollout.share_base": "auto"} if config.rollout.share_base is True else {})}


def size_axes(config: RunConfig) -> list[list[Changes]]:
    """Return smaller sizes of the run, each axis from its own size to the smallest: what a step asks and how long."""
    train, longest = config.train, config.rollout.max_completion_tokens
    step = config.num_train_ranks * train.updates_per_rollout
    fewest = max(2, config.rows_per_group if config.most_rows_kept else 2)
    window: Changes = {} if config.rollout.max_model_tokens is None else {"rollout.max_model_tokens": None}
    return [
        [_NONE, *({"train.num_prompts": size} for size in _halves(train.num_prompts, least=step, multiple_of=step))],
        [_NONE, *({"train.num_completions": size} for size in _halves(train.num_completions, least=fewest))],
        [
            _NONE,
            *(
                {"rollout.max_completion_tokens": size, **window}
                for size in _halves(longest, least=_FEWEST_COMPLETION_TOKENS)
            ),
        ],
    ]


def singles(config: RunConfig, axes: Sequence[Axis]) -> list[Sequence[Changes]]:
    """Return the changes of each axis: of the same run, of its arithmetic and of its method, in the order of cost."""
    options = [axis.options[1:] for axis in (*axes, *arithmetic_axes(config))]
    return [*options, list(methods(config))]


def combinations(config: RunConfig, axes: Sequence[Axis], *, lean: bool) -> Iterator[Changes]:
    """Yield every combination of the axes' options, or of their lean ones, that `leanrl train` would not refuse."""
    for options in itertools.product(*(axis.lean if lean else axis.options for axis in axes)):
        changes = _merged(options)
        if not is_refused(config, changes):
            yield changes


def micro_batch_sizes(config: RunConfig) -> list[int]:
    """Return the completions of a micro-batch that divide those that a rank trains, smallest first."""
    per_rank = max(1, config.rows_per_rank)
    smaller = [size for size in range(1, math.isqrt(per_rank) + 1) if per_rank % size == 0]
    return sorted({*smaller, *(per_rank // size for size in smaller)})


def _by_number(axes: Sequence[Axis]) -> list[Changes]:
    """Return every combination, those with fewer changes first."""
    choices = list(itertools.product(*(axis.options for axis in axes)))
    choices.sort(key=lambda options: sum(option != _NONE for option in options))
    return [_merged(options) for options in choices]


def _merged(options: Iterable[Changes]) -> Changes:
    return {key: value for option in options for key, value in option.items()}


def _micro_batches(config: RunConfig) -> Axis:
    """Smaller sizes first, for they take less; the largest is lean too, for it adds up no gradients."""
    now = config.full_completions_per_micro_batch
    sizes = micro_batch_sizes(config)
    smaller = [micro_batch_changes(config, size) for size in reversed(sizes) if size < now]
    larger = [micro_batch_changes(config, size) for size in sizes if size > now]
    lean = [smaller[-1] if smaller else _NONE, larger[-1] if larger else _NONE]
    return Axis((_NONE, *smaller, *larger), tuple(lean if lean[0] != lean[1] else lean[:1]))


def _recomputed(config: RunConfig) -> Axis:
    """Recompute every layer; whoever takes that keeps as many as fit besides."""
    leanest = {"train.gradient_checkpointing": True, "train.kept_layers": 0}
    if config.train.gradient_checkpointing and config.train.kept_layers == 0:
        return Axis.of([], leanest=_NONE)
    return Axis.of([leanest], leanest=leanest)


def _switch(config: RunConfig, key: str, *, leanest: bool | None) -> Axis:
    section, name = key.split(".")
    now = getattr(getattr(config, section), name)
    other = {key: not now}
    return Axis.of([other], leanest=None if leanest is None else _NONE if now is leanest else other)


def _sleep_levels(config: RunConfig, vllm: str | None, *, is_host_limited: bool) -> Axis:
    """The KV cache comes back at once, where this vLLM can give them back alone; weights have to travel.

    Level 2 needs no host memory, and new weights after each step: those of a run that trains all of them. A base that
    has to be shared stays awake with a vLLM that gives back the KV cache with its weights alone.
    """
    if config.rollout.share_base is True and not releases_cache(vllm):
        return Axis.of([], leanest=_NONE)
    levels = [level for level in (0, "kv", 1) if level != "kv" or releases_cache(vllm)]
    levels += [2] if config.model.tuning.method == "full" else []
    now = config.rollout.sleep_level
    if now not in levels:
        levels.append(now)
    place = levels.index(now)
    others = [{"rollout.sleep_level": level} for level in [*levels[place + 1 :], *levels[:place]]]
    leanest = _NONE if now in (1, 2) else {"rollout.sleep_level": 1}
    return Axis.of(others, leanest=None if is_host_limited else leanest)


def _released_keys(config: RunConfig) -> Iterator[Axis]:
    """Yield one axis for each key that takes memory for nothing the run needs."""
    longest = config.rollout.max_prompt_tokens + config.rollout.max_completion_tokens
    released: list[tuple[bool, Changes]] = [
        (config.rollout.gpu_memory_fraction is not None, {"rollout.gpu_memory_fraction": None}),
        (config.max_model_tokens > longest, {"rollout.max_model_tokens": None}),
        (config.train.pack_rows == "never", {"train.pack_rows": "auto"}),
    ]
    return (Axis.of([changes], leanest=changes) for applies, changes in released if applies)


def _reference_places(config: RunConfig, *, is_host_limited: bool) -> Axis:
    """On a CPU host memory is where it trains; a file is dearer than host memory, and no place for shards."""
    away = away_from_training(config)
    places: list[ReferenceDevice] = ["gpu", away]
    if is_host_limited and away == "host" and not config.shares_weights:
        places.append("disk")
    now = config.train.reference_device
    others = [{"train.reference_device": place} for place in places if place != now]
    if is_host_limited:
        return Axis.of(others)
    return Axis.of(others, leanest=others[0] if now == "gpu" else _NONE)


def _tiles(config: RunConfig) -> Axis:
    now, small = config.train.tile_tokens, {"train.tile_tokens": _SMALL_TILE_TOKENS}
    if now == _SMALL_TILE_TOKENS:
        return Axis.of([], leanest=_NONE)
    return Axis.of([small], leanest=_NONE if now is not None and now < _SMALL_TILE_TOKENS else small)


def _coarser_numbers(config: RunConfig) -> list[Changes]:
    """Return changes to 16-bit numbers where the run has 32; trained weights and their states stay what they are."""
    compute: Changes = {"model.compute_dtype": "bfloat16"}
    base: Changes = {"model.dtype": "bfloat16"}
    is_fine, is_fine_base = config.model.compute_dtype == "float32", config.model.dtype == "float32"
    options = [compute] if is_fine else []
    if is_fine_base and config.model.tuning.method == "lora":
        options += [base | compute] if is_fine else [base]
    return options


def _lean_optimizers(config: RunConfig) -> list[Changes]:
    names = ["adamw_8bit", "adamw_offloaded", *([] if config.hardware.is_cpu else ["adamw_8bit_paged"])]
    return [{"optimizer.name": name, "model.dtype": "bfloat16"} for name in names if name != config.optimizer.name]


def _halves(size: int, *, least: int, multiple_of: int = 1) -> list[int]:
    """Return half of a size, half of that, and so on, none below `least`."""
    sizes = []
    while (size := size // 2 // multiple_of * multiple_of) >= least:
        sizes.append(size)
    return sizes
