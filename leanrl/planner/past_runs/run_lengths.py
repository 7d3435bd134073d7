"""The lengths that a run has sampled, read from its metrics."""

from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from leanrl.config.load import load_run_config
from leanrl.config.sections.lengths import ASSUMED_CV
from leanrl.errors import ConfigError
from leanrl.hints import command
from leanrl.planner.time.length_profile import NARROWEST, WIDEST, LengthProfile, rising_root
from leanrl.storage.run_folder import open_run_folder, read_jsonl

# Where the longest of nearly every batch reaches the limit, it says nothing about the spread.
_AT_THE_LIMIT = 0.98


class _Rollout(NamedTuple):
    """Tokens of a rollout's completions, and the fraction that was cut."""

    mean: float
    longest: float
    cut_share: float


def read_run_lengths(path: Path) -> LengthProfile:
    """Return the lengths of all completions that a run has sampled.

    The spread is that of which the longest of a batch is on average as long as the run's; an assumed one where the
    limit cuts the longest.

    Raises:
        ConfigError: if there is no run, or it has not finished a step.
    """
    run = open_run_folder(path)
    config = load_run_config(run.config)
    limit = config.rollout.max_completion_tokens
    count = config.train.num_prompts * config.train.num_completions
    rollouts = _rollouts(run.metrics)
    if not rollouts:
        raise ConfigError(
            f"{path} has no lengths: no step of it is finished.", hint=f"`{command('train', '--resume', path)}`"
        )
    mean = min(float(limit), fmean(rollout.mean for rollout in rollouts))
    # Where vLLM's context ends before the limit, completions are cut below it.
    cut = 1.0 if mean >= limit else min(fmean(rollout.cut_share for rollout in rollouts), 0.999 * mean / limit)
    source = f"{len(rollouts)} rollouts of {path}"
    longest = fmean(rollout.longest for rollout in rollouts)
    return LengthProfile(mean, limit, _spread(mean, limit, cut, count=count, longest=longest), cut, source)


def _rollouts(metrics: Path) -> list[_Rollout]:
    """Return what each rollout logged; a step on completions of an earlier one has no lengths of its own."""
    records = {record.get("step"): record for record in (read_jsonl(metrics) if metrics.is_file() else ())}
    return [
        _Rollout(tokens["mean"], tokens["max"], record.get("truncated_share") or 0.0)
        for record in records.values()
        if (tokens := _tokens(record)).get("mean")
    ]


def _tokens(record: dict[str, Any]) -> dict[str, Any]:
    return record.get("completion_tokens") or {}


def _spread(mean: float, limit: int, cut: float, *, count: int, longest: float) -> float:
    """Return the cv whose batches of `count` have this longest completion, by halving."""
    if longest >= _AT_THE_LIMIT * limit:
        return ASSUMED_CV

    def excess(cv: float) -> float:
        return LengthProfile(mean, limit, cv, cut).distribution.longest(count, limit) - longest

    cv = rising_root(excess, low=NARROWEST, high=WIDEST)
    return round(LengthProfile(mean, limit, cv, cut).distribution.cv, 3)
