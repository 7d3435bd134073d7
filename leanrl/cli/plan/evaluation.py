"""`leanrl plan --eval`: memory, hours and dollars of an evaluation."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from leanrl.cli.terminal.default_preset import preset_or_default

if TYPE_CHECKING:
    from leanrl.config.schema import RunConfig
    from leanrl.evaluation.forecast import EvalForecast

_GIB = 2**30


def print_evaluation(
    preset: str | None, settings: Sequence[str], benchmarks: str, *, lengths: str | None, protocol: str, as_json: bool
) -> bool:
    """Print what an evaluation of a preset's model needs on its card; return whether it fits there."""
    from leanrl.cli.plan.lengths import lengths_given
    from leanrl.config.load import load_config
    from leanrl.eval.benchmarks.protocols import find_protocol
    from leanrl.evaluation.forecast import forecast_evaluation

    tokens = find_protocol(protocol).max_completion_tokens
    longest = [f"rollout.max_completion_tokens={tokens}", "rollout.max_model_tokens=null"]
    config = load_config(preset_or_default(preset), [*settings, *lengths_given(lengths), *longest]).config
    names = [name.strip() for name in benchmarks.split(",") if name.strip()]
    forecast = forecast_evaluation(config, names, protocol=protocol)
    print(json.dumps(forecast.as_json(), indent=2) if as_json else "\n".join(_lines(config, forecast)))
    return forecast.fits


def _lines(config: "RunConfig", forecast: "EvalForecast") -> list[str]:
    counts = ", ".join(f"{name} {count:,}" for name, count in forecast.num_completions.items())
    total = sum(forecast.num_completions.values())
    lines = [
        f"evaluation of {config.model.id} by vLLM on one {config.hardware.gpu or 'card'}",
        f"completions: {total:,} of at most {forecast.max_completion_tokens:,} tokens ({counts})",
        f"memory: weights {forecast.weight_bytes / _GIB:.1f} GiB, engine {forecast.working_bytes / _GIB:.1f} GiB, "
        f"KV cache {forecast.kv_bytes / _GIB:.1f} GiB for {forecast.num_sequences} completions at their longest",
    ]
    if not forecast.fits:
        return [*lines, "it does not fit: no completion of that length has room; `--gpu` names a larger card"]
    for lengths, hours in forecast.hours.items():
        cost = "" if forecast.usd_per_hour is None else f", ${hours * forecast.usd_per_hour:.2f}"
        lines.append(f"{_duration(hours)}{cost} for completions of {lengths}")
    lines += [f"note: {note}" for note in forecast.notes]
    if len(forecast.hours) > 1:  # for lengths that nobody has named
        lines.append("`--lengths mean=7000,cv=1.2` gives your model's lengths on these benchmarks")
    return lines


def _duration(hours: float) -> str:
    return f"{hours:.1f} hours" if hours >= 1 else f"{60 * hours:.0f} minutes"
