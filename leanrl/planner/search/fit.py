"""The settings that fit: the fastest for `leanrl plan --fit`."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.planner.automatic import largest_budget, most_kept_layers
from leanrl.planner.formula import require_formula, uncounted_setting
from leanrl.planner.machine.cards import Card
from leanrl.planner.machine.target import Target, find_target, lacks_bf16
from leanrl.planner.models.known_models import find_shape
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.past_runs.calibration import Calibration
from leanrl.planner.predict import predict, with_floors
from leanrl.planner.prediction import Plan
from leanrl.planner.search.fixes import Changes, as_flags, changes_only, with_changes
from leanrl.planner.search.search import Search


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

    Settings keep the run and its arithmetic: micro-batch, kept layers, activations in host memory, tile size, sleep
    mode, a shared base, where the reference lives. Where none fits come, in this order, other arithmetic (optimizer,
    NF4 in vLLM, sharding, 16-bit numbers), adapters, and fewer prompts or completions and shorter ones. `leanrl plan`
    offers fixes by the same search (`search.py`).

    Arguments and errors are those of `plan_run`.
    """
    target = find_target(
        config, card=card, vram_bytes=vram_bytes, host_bytes=host_bytes, vllm=vllm, calibration=calibration
    )
    known_shape = shape or find_shape(config.model.id, revision=config.model.revision)
    require_formula(config, known_shape)
    search, budget = search_of(config, known_shape, target), largest_budget(config, known_shape, target)

    def priced(changes: Changes) -> Fit:
        return _with_most_kept(config, budget | changes, known_shape, target)

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

    `missing` are the bytes by which a plan is too large; a card without bf16 lacks all that a run in it needs. What the
    closed form does not count is not offered.
    """

    def priced(changed: RunConfig) -> int:
        is_impossible = lacks_bf16(changed, target.card) or uncounted_setting(changed, shape) is not None
        return sys.maxsize if is_impossible else missing(predict(changed, shape, target))

    return Search(
        with_changes(config, largest_budget(config, shape, target)),
        missing=priced,
        vllm=target.vllm,
        is_host_limited=target.host_bytes is not None,
    )


def _with_most_kept(config: RunConfig, changes: Changes, shape: ModelShape, target: Target) -> Fit:
    """Return the plan of a changed config; where it recomputes layers and fits, as many are kept as fit besides."""
    changed = with_changes(config, changes)
    chosen: Changes = {}
    plan = predict(changed, shape, target)
    if plan.verdict == "fits" and changed.train.gradient_checkpointing and config.backend == "hf":
        kept = most_kept_layers(changed, shape, target)
        plan = predict(with_changes(changed, kept), shape, target)
        # Where the run asks for `auto`, the same number is chosen when it starts.
        chosen, changes = (kept, changes) if changed.train.gradient_checkpointing == "auto" else ({}, changes | kept)
    return Fit(changes_only(config, changes), replace(plan, chosen=chosen))


def _slowness(fit: Fit) -> tuple[bool, float, int, int, int, bool]:
    """Order by seconds where they are known; else, and among equals, by what usually costs time.

    Copies of activations to host memory are not in the seconds: settings without them come first.
    """
    workload = fit.plan.workload
    seconds = fit.plan.step_seconds or 0.0
    is_offloaded = workload.activations == "offloaded"
    # Of a key more or less, the number of bases comes last: with one, its weights stay while gradients are computed.
    shares_anew = "rollout.share_base" in fit.changes
    return (is_offloaded, seconds, -fit.plan.num_kept_layers, workload.num_micro_batches, len(fit.changes), shares_anew)
