"""The settings that fit, with the same prompts and completions a step: all of them for `leanrl plan --fit`, the
micro-batch alone for `train.max_tokens_per_micro_batch: auto`."""

import bisect
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from leanrl.config.schema import RunConfig
from leanrl.config.sharing import releases_cache
from leanrl.planner.cards import Card
from leanrl.planner.fixes import (
    Changes,
    as_flags,
    away_from_training,
    changes_only,
    is_refused,
    micro_batch_changes,
    with_changes,
)
from leanrl.planner.known_models import find_shape
from leanrl.planner.predict import predict
from leanrl.planner.prediction import Plan
from leanrl.planner.shapes import ModelShape
from leanrl.planner.table import plan_table
from leanrl.planner.target import Target, find_target

_GIB = 2**30
# Large enough for full matrix units at a hidden size of 1536, small beside the rows of a micro-batch.
_SMALL_TILE_TOKENS = 1024


@dataclass(frozen=True)
class Fit:
    """The best settings found: those that fit, else those that come nearest.

    `changes` are the keys that differ from the config that was asked for.
    """

    changes: Changes
    plan: Plan

    @property
    def fits(self) -> bool:
        return self.plan.verdict == "fits"

    @property
    def flags(self) -> str:
        """The `-s` flags that give these settings; empty where nothing has to change."""
        return as_flags(self.changes)

    @property
    def missing_bytes(self) -> int:
        """Bytes by which the fullest card is too small; 0 where it fits."""
        return max(0, *(gpu.upper_bytes - gpu.usable_bytes for gpu in self.plan.gpus))


def fit_run(
    config: RunConfig,
    *,
    shape: ModelShape | None = None,
    card: Card | None = None,
    vram_bytes: int | None = None,
    host_bytes: int | None = None,
    vllm: str | None = None,
) -> Fit:
    """Return the fastest settings that fit; the estimator stays what it is.

    Searched: micro-batch, checkpointing, activations in host memory, tile size, sleep mode, a shared base, where the
    reference lives and, if the optimizer of the config fits nowhere, the leaner ones. Keys and values get what the
    settings leave. Prompts and completions a step, the loss and the trained weights are never touched.

    Arguments and errors are those of `plan_run`.
    """
    target = find_target(config, card=card, vram_bytes=vram_bytes, host_bytes=host_bytes, vllm=vllm)
    known_shape = shape or find_shape(config.model.id, revision=config.model.revision)
    nearest: Fit | None = None
    for optimizer in _optimizers(config):
        found = [_priced(config, changes, known_shape, target) for changes in _settings(config, optimizer, vllm)]
        fitting = [fit for fit in found if fit.fits]
        if fitting:
            return min(fitting, key=_slowness)
        nearest = min([*([nearest] if nearest else []), *found], key=lambda fit: fit.missing_bytes)
    assert nearest is not None
    return nearest


def with_largest_micro_batch(config: RunConfig, shape: ModelShape, target: Target) -> RunConfig:
    """Return the config with the most tokens a micro-batch that fit in place of `auto`; one completion's if none do."""
    if config.train.max_tokens_per_micro_batch != "auto":
        return config
    smallest, *larger = (micro_batch_changes(config, size) for size in _micro_batches(config))
    fitting = (changes for changes in reversed(larger) if _priced(config, changes, shape, target).fits)
    return with_changes(config, next(fitting, smallest))


def with_most_completions(config: RunConfig, *, fits: Callable[[RunConfig], bool]) -> RunConfig:
    """Return the same where asking whether a micro-batch fits is dear: by halves, which a few questions answer."""
    if config.train.max_tokens_per_micro_batch != "auto":
        return config
    candidates = [with_changes(config, micro_batch_changes(config, size)) for size in _micro_batches(config)]
    # The first is taken where none fits.
    num_fitting = bisect.bisect_left(candidates[1:], True, key=lambda changed: not fits(changed))
    return candidates[num_fitting]


def with_planned_micro_batch(config: RunConfig, plan: Plan | None) -> RunConfig:
    """Return the config with what its plan has chosen in place of `auto`; without a plan, one completion's tokens."""
    if config.train.max_tokens_per_micro_batch != "auto":
        return config
    size = 1 if plan is None else plan.workload.micro_batch_completions
    return with_changes(config, micro_batch_changes(config, size))


def fit_text(fit: Fit) -> str:
    """Return what was found as plain text: the flags, or what is nearest and by how much, then the plan."""
    if fit.fits and not fit.changes:
        found = "The settings are the fastest that fit already."
    elif fit.fits:
        found = f"The fastest settings that fit, with the same prompts and completions a step:\n  {fit.flags}"
    else:
        flags = f" with\n  {fit.flags}" if fit.changes else " as it is"
        found = f"Nothing fits. Nearest, {fit.missing_bytes / _GIB:.1f} GiB too large, is the run{flags}"
    return f"{found}\n\n{plan_table(fit.plan)}"


def _priced(config: RunConfig, changes: Changes, shape: ModelShape, target: Target) -> Fit:
    return Fit(changes, predict(with_changes(config, changes), shape, target))


def _slowness(fit: Fit) -> tuple[bool, float, bool, int, int]:
    """Order by seconds where they are known; else, and among equals, by what usually costs time.

    Copies of activations to host memory are not in the seconds: settings without them come first.
    """
    workload = fit.plan.workload
    seconds = fit.plan.step_seconds or 0.0
    is_offloaded, is_kept = (workload.activations == name for name in ("offloaded", "kept"))
    return (is_offloaded, seconds, not is_kept, workload.num_micro_batches, len(fit.changes))


def _optimizers(config: RunConfig) -> Iterator[Changes]:
    """The config's own optimizer, then leaner ones: other arithmetic, so only where they are needed."""
    yield {}
    if config.model.tuning.method == "full":
        for name in ("adamw_8bit", "adamw_offloaded"):
            if name != config.optimizer.name:
                yield {"optimizer.name": name, "model.dtype": "bfloat16"}


def _settings(config: RunConfig, optimizer: Changes, vllm: str | None) -> Iterator[Changes]:
    """Every combination of settings, each as the changes it makes to the config."""
    axes: list[Sequence[tuple[str, object]]] = [
        [change for size in _micro_batches(config) for change in micro_batch_changes(config, size).items()],
        [("train.gradient_checkpointing", value) for value in (False, True)],
        [("train.offload_activations", value) for value in (False, True)],
        [("train.tile_tokens", size) for size in _tile_sizes(config)],
    ]
    if config.rollout.engine == "vllm-colocate":
        # Levels 1 and 2 leave the same on the card; the config's own choice between them stands.
        deepest = config.rollout.sleep_level if config.rollout.sleep_level in (1, 2) else 1
        levels = (0, "kv", deepest) if releases_cache(vllm) else (0, deepest)
        axes.append([("rollout.sleep_level", level) for level in levels])
    if config.rollout.share_base is False and config.model.tuning.method == "lora":
        axes.append([("rollout.share_base", value) for value in (False, "auto")])
    if config.rollout.gpu_memory_fraction is not None:
        axes.append([("rollout.gpu_memory_fraction", value) for value in (config.rollout.gpu_memory_fraction, None)])
    if config.model.tuning.method == "full" and config.algorithm.kl_beta > 0:
        axes.append([("train.reference_device", place) for place in ("gpu", away_from_training(config))])
    for combination in itertools.product(*axes):
        changes = changes_only(config, {**dict(combination), **optimizer})
        if not is_refused(config, changes):
            yield changes


def _tile_sizes(config: RunConfig) -> list[int | None]:
    return list(dict.fromkeys([config.train.tile_tokens, _SMALL_TILE_TOKENS]))


def _micro_batches(config: RunConfig) -> list[int]:
    per_rank = max(1, config.completions_per_rank)
    return [size for size in range(1, per_rank + 1) if per_rank % size == 0]
