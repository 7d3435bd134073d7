"""The settings that fit: the fastest for `leanrl plan --fit`, the micro-batch alone for
`train.max_tokens_per_micro_batch: auto`."""

import bisect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.planner.calibration import Calibration
from leanrl.planner.cards import Card
from leanrl.planner.fixes import Changes, as_flags, changes_only, micro_batch_changes, with_changes
from leanrl.planner.known_models import find_shape
from leanrl.planner.predict import predict, with_floors
from leanrl.planner.prediction import Plan
from leanrl.planner.search import Search
from leanrl.planner.search_space import micro_batch_sizes
from leanrl.planner.shapes import ModelShape
from leanrl.planner.target import Target, find_target, lacks_bf16


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
        return max(0, self.plan.missing_bytes)

    def to_json(self) -> dict[str, Any]:
        found = {"fits": self.fits, "flags": self.flags, "missing_bytes": self.missing_bytes}
        return found | {"plan": self.plan.to_json()}


def fit_run(
    config: RunConfig,
    *,
    shape: ModelShape | None = None,
    card: Card | None = None,
    vram_bytes: int | None = None,
    host_bytes: int | None = None,
    vllm: str | None = None,
    calibration: Calibration | None = None,
) -> Fit:
    """Return the fastest settings that fit, of the first variant of the run that does.

    Settings keep the run and its arithmetic: micro-batch, checkpointing, activations in host memory, tile size, sleep
    mode, a shared base, where the reference lives. Where none fits come, in this order, other arithmetic (optimizer,
    NF4 in vLLM, sharding, 16-bit numbers), adapters, and fewer prompts or completions and shorter ones. `leanrl plan`
    offers fixes by the same search (`search.py`).

    Arguments and errors are those of `plan_run`.
    """
    target = find_target(
        config, card=card, vram_bytes=vram_bytes, host_bytes=host_bytes, vllm=vllm, calibration=calibration
    )
    known_shape = shape or find_shape(config.model.id, revision=config.model.revision)
    search, chosen = search_of(config, known_shape, target), micro_batch_of(config, known_shape, target)

    def priced(changes: Changes) -> Fit:
        whole = chosen | changes
        plan = predict(with_changes(config, whole), known_shape, target)
        return Fit(changes_only(config, whole), plan)

    if search.first is None:
        found = priced(search.nearest.changes)
    else:
        candidates = [search.first.changes, *search.all_settings(search.first.variant)]
        found = min((fit for fit in map(priced, candidates) if fit.fits), key=_slowness)
    return Fit(found.changes, with_floors(found.plan))


def _missing_bytes(plan: Plan) -> int:
    return plan.missing_bytes


def search_of(
    config: RunConfig, shape: ModelShape, target: Target, *, missing: Callable[[Plan], int] = _missing_bytes
) -> Search:
    """Return the search for settings of a run that fit; a micro-batch `auto` is chosen first.

    `missing` are the bytes by which a plan is too large; a card without bf16 lacks all that a run in it needs.
    """

    def priced(changed: RunConfig) -> int:
        return sys.maxsize if lacks_bf16(changed, target.card) else missing(predict(changed, shape, target))

    return Search(
        with_largest_micro_batch(config, shape, target),
        missing=priced,
        vllm=target.vllm,
        is_host_limited=target.host_bytes is not None,
    )


def micro_batch_of(config: RunConfig, shape: ModelShape, target: Target) -> Changes:
    """Return the change from `train.max_tokens_per_micro_batch: auto` to what it chooses; none for other values."""
    chosen = with_largest_micro_batch(config, shape, target).train.max_tokens_per_micro_batch
    return changes_only(config, {"train.max_tokens_per_micro_batch": chosen})


def with_largest_micro_batch(config: RunConfig, shape: ModelShape, target: Target) -> RunConfig:
    """Return the config with the most tokens a micro-batch that fit in place of `auto`; one completion's if none do."""
    if config.train.max_tokens_per_micro_batch != "auto":
        return config
    smallest, *larger = (micro_batch_changes(config, size) for size in micro_batch_sizes(config))
    fitting = (
        changes
        for changes in reversed(larger)
        if predict(with_changes(config, changes), shape, target).verdict == "fits"
    )
    return with_changes(config, next(fitting, smallest))


def with_most_completions(config: RunConfig, *, fits: Callable[[RunConfig], bool]) -> RunConfig:
    """Return the same where asking whether a micro-batch fits is dear: by halves, which a few questions answer."""
    if config.train.max_tokens_per_micro_batch != "auto":
        return config
    candidates = [with_changes(config, micro_batch_changes(config, size)) for size in micro_batch_sizes(config)]
    # The first is taken where none fits.
    num_fitting = bisect.bisect_left(candidates[1:], True, key=lambda changed: not fits(changed))
    return candidates[num_fitting]


def with_planned_micro_batch(config: RunConfig, plan: Plan | None) -> RunConfig:
    """Return the config with what its plan has chosen in place of `auto`; without a plan, one completion's tokens."""
    if config.train.max_tokens_per_micro_batch != "auto":
        return config
    size = 1 if plan is None else plan.workload.micro_batch_completions
    return with_changes(config, micro_batch_changes(config, size))


def _slowness(fit: Fit) -> tuple[bool, float, bool, int, int, bool]:
    """Order by seconds where they are known; else, and among equals, by what usually costs time.

    Copies of activations to host memory are not in the seconds: settings without them come first.
    """
    workload = fit.plan.workload
    seconds = fit.plan.step_seconds or 0.0
    is_offloaded, is_kept = (workload.activations == name for name in ("offloaded", "kept"))
    # Of a key more or less, the number of bases comes last: with one, its weights stay while gradients are computed.
    shares_anew = "rollout.share_base" in fit.changes
    return (is_offloaded, seconds, not is_kept, workload.num_micro_batches, len(fit.changes), shares_anew)
