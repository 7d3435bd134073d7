"""One step's metrics, by leanrl's names: what becomes a line of metrics.jsonl."""

import math
import resource
import sys
from collections.abc import Mapping
from typing import Any

from leanrl.trainer.memory.phase_meter import Peaks, PhaseMeter, Seconds
from leanrl.trainer.scoring.reward_logs import REWARD_METRICS

# TRL's name of a logged value (trl 1.16, grpo_trainer.py) and ours.
_NAMES = {
    "loss": "loss",
    "reward": "reward",
    "reward_std": "reward_std",
    "frac_reward_zero_std": "zero_std_share",
    "unscored_share": "unscored_share",
    "completions/clipped_ratio": "truncated_share",
    "entropy": "entropy",
    "clipped_ratio_share": "clipped_ratio_share",
    "skipped_token_share": "skipped_token_share",
    "nonfinite_steps": "nonfinite_steps",
    "empty_steps": "empty_steps",
    "out_of_memory": "out_of_memory",
    "language_mix_share": "language_mix_share",
    "other_script_share": "other_script_share",
    "repeated_4gram_share": "repeated_4gram_share",
    "sampling_logprob_difference": "sampling_logprob_difference",
    "kl": "kl",
    "grad_norm": "grad_norm",
    "learning_rate": "learning_rate",
    "num_tokens": "num_tokens",
}
_LENGTHS = {
    "mean": "completions/mean_length",
    "min": "completions/min_length",
    "max": "completions/max_length",
}


def step_metrics(
    logs: Mapping[str, Any],
    *,
    step: int,
    reward_names: list[str],
    highest_bytes: Mapping[str, int],
    peaks: Peaks,
    seconds: Seconds,
    cpu_share: float | None = None,
) -> dict[str, Any]:
    """Return the object of one step for metrics.jsonl; a value that the step did not produce is null.

    A step on completions of an earlier one has no rewards, lengths or verdicts: its rollout's first step has them.

    `highest_bytes` is of the run so far (see `peak_bytes`), `peaks` and `seconds` of this step's phases. `seconds.step`
    holds them all, and what lies between them. `cpu_share` is that of `trainer/records/cpu_share.py`.
    """
    return {
        "step": step,
        **{ours: _number(logs.get(theirs)) for theirs, ours in _NAMES.items()},
        "rewards": {name: _number(logs.get(f"rewards/{name}/mean")) for name in reward_names},
        "completion_tokens": {name: logs.get(key) for name, key in _LENGTHS.items()},
        "verdicts": _under("verdicts/", logs),
        "rollout_mismatch": _under("mismatch/", logs),
        "schedule": _under("schedule/", logs),
        "reward_metrics": {name: _number(value) for name, value in _under(REWARD_METRICS, logs).items()},
        "seconds": {"step": logs["seconds/step"] + seconds.get("optimizer_step", 0.0), **seconds},
        "cpu_share": cpu_share,
        "peak_bytes": dict(highest_bytes),
        "phase_peak_bytes": {
            name: {"allocated": peak.allocated_bytes, "reserved": peak.reserved_bytes} for name, peak in peaks.items()
        },
    }


def peak_bytes(meter: PhaseMeter) -> dict[str, int]:
    """Return the highest memory this process has held: resident on the host, and allocated on its GPU.

    The meter resets what the system keeps, so it is asked too.
    """
    # Linux counts ru_maxrss in KiB, macOS in bytes (getrusage(2)).
    unit = 1 if sys.platform == "darwin" else 1024
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    if meter.gauge.device == "cuda":
        return {"rss": rss, "cuda": meter.highest_bytes()}
    return {"rss": max(rss, meter.highest_bytes())}


def _number(value: Any) -> Any:
    """Return a logged value; null in place of NaN, which TRL logs of a reward that skipped every completion."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _under(prefix: str, logs: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in logs.items() if name.startswith(prefix)}
