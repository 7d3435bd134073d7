"""What stands in for `auto`: the token budget of a micro-batch, and how many layers keep their activations.

More kept layers take more memory and fewer operations. So of each micro-batch the most that fit are the fastest.
"""

import bisect
from collections.abc import Callable
from dataclasses import dataclass

from leanrl.config.schema import RunConfig
from leanrl.planner.machine.target import Target
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.predict import predict
from leanrl.planner.prediction import Plan
from leanrl.planner.search.fixes import Changes, micro_batch_changes, with_changes
from leanrl.planner.search.search_space import micro_batch_sizes

_CHECKPOINTING, _KEPT = "train.gradient_checkpointing", "train.kept_layers"


def automatic_changes(config: RunConfig, shape: ModelShape, target: Target) -> Changes:
    """Return the keys that are `auto` with what the plan chooses: the fastest that fit; none for a config without.

    Where no speed of the card is known, a recomputed layer is taken to cost more than smaller micro-batches. Where
    nothing fits, one completion is a micro-batch and no layer is kept.
    """
    if config.train.gradient_checkpointing != "auto":
        return largest_budget(config, shape, target)
    priced = [_with_most_kept(config, budget, shape, target) for budget in _budgets(config)]
    fitting = [candidate for candidate in priced if candidate.plan.verdict == "fits"]
    return (min(fitting, key=_slowness) if fitting else priced[0]).changes


def largest_budget(config: RunConfig, shape: ModelShape, target: Target) -> Changes:
    """Return the most tokens of a micro-batch that fit in place of `auto`; one completion's if none do."""
    smallest, *larger = _budgets(config)
    fitting = (
        budget for budget in reversed(larger) if predict(with_changes(config, budget), shape, target).verdict == "fits"
    )
    return next(fitting, smallest)


def most_kept_layers(config: RunConfig, shape: ModelShape, target: Target) -> Changes:
    """Return the most layers that fit in a config that recomputes layers, none fewer than it keeps."""
    least = config.train.kept_layers

    def is_too_many(count: int) -> bool:
        return predict(with_changes(config, _keeping(count)), shape, target).verdict != "fits"

    return _keeping(least + bisect.bisect_left(range(least + 1, shape.num_layers + 1), True, key=is_too_many))


def automatic_by_questions(config: RunConfig, *, num_layers: int, missing: Callable[[RunConfig], int]) -> Changes:
    """Return what `automatic_changes` does where each question takes a simulation, with few of them.

    The token budget is found by halves, without kept layers. What a card needs grows with their number, by as much a
    layer or more. So a straight line between none of them and all is nowhere too low.

    Args:
        num_layers: decoder layers of the model.
        missing: bytes by which a run is too large.
    """
    is_automatic = config.train.gradient_checkpointing == "auto"
    budgets = [budget | (_keeping(0) if is_automatic else {}) for budget in _budgets(config)]
    # The first is taken where none fits.
    num_fitting = bisect.bisect_left(budgets[1:], True, key=lambda budget: missing(with_changes(config, budget)) > 0)
    chosen = budgets[num_fitting]
    if not is_automatic:
        return chosen
    missing_none, missing_all = (missing(with_changes(config, chosen | _keeping(n))) for n in (0, num_layers))
    if missing_all <= 0:
        return chosen | _keeping(num_layers)
    some = chosen | _keeping(num_layers * max(0, -missing_none) // (missing_all - missing_none))
    return some if missing(with_changes(config, some)) <= 0 else chosen


def chosen_changes(config: RunConfig, plan: Plan | None) -> Changes:
    """Return what a plan of the config has chosen for keys that are `auto`; without a plan, the least memory."""
    if plan is not None:
        return plan.chosen
    is_automatic = config.train.gradient_checkpointing == "auto"
    return _budgets(config)[0] | (_keeping(0) if is_automatic else {})


def with_chosen(config: RunConfig, plan: Plan | None) -> RunConfig:
    """Return the config with them."""
    return with_changes(config, chosen_changes(config, plan))


@dataclass(frozen=True)
class _Candidate:
    """Values in place of `auto`, and the plan with them."""

    changes: Changes
    plan: Plan


def _with_most_kept(config: RunConfig, budget: Changes, shape: ModelShape, target: Target) -> _Candidate:
    none_kept = budget | _keeping(0)
    changes = none_kept | most_kept_layers(with_changes(config, none_kept), shape, target)
    return _Candidate(changes, predict(with_changes(config, changes), shape, target))


def _slowness(candidate: _Candidate) -> tuple[float, int, int]:
    return (
        candidate.plan.step_seconds or 0.0,
        -int(candidate.changes[_KEPT]),
        candidate.plan.workload.num_micro_batches,
    )


def _budgets(config: RunConfig) -> list[Changes]:
    """Return the token budgets in place of `auto`, the smallest first; no change where it is something else."""
    if config.train.max_tokens_per_micro_batch != "auto":
        return [{}]
    return [micro_batch_changes(config, size) for size in micro_batch_sizes(config)]


def _keeping(count: int) -> Changes:
    return {_CHECKPOINTING: True, _KEPT: count}
