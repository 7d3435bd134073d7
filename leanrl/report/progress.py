"""A step of training as a line that a person reads at a glance."""

import sys
from collections.abc import Mapping
from typing import Any


class PlainListener:
    """Prints talk, warnings and step lines to stderr, one line each."""

    def __init__(self) -> None:
        self._seconds: list[float] = []

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def warn(self, text: str) -> None:
        print(f"warning: {text}", file=sys.stderr, flush=True)

    def step(self, metrics: Mapping[str, Any], *, max_steps: int) -> None:
        self._seconds.append(metrics["seconds"]["step"])
        print(step_line(metrics, max_steps=max_steps, step_seconds=self._seconds), file=sys.stderr, flush=True)


def step_line(metrics: Mapping[str, Any], *, max_steps: int, step_seconds: list[float]) -> str:
    """Return step, rewards by name, length, truncated share, KL, seconds and time left, in fixed columns.

    A step on completions of an earlier one has the fraction of tokens beyond the clip bounds in place of their rewards.

    Args:
        step_seconds: seconds of the steps done so far; the time left follows from their recent mean.
    """
    width = len(str(max_steps))
    parts = [
        f"step {metrics['step']:>{width}}/{max_steps}",
        *(_of_rollout(metrics) if metrics["completion_tokens"]["mean"] is not None else _of_reuse(metrics)),
        *([f"kl {_number(metrics['kl'])}"] if metrics["kl"] is not None else []),
        f"{metrics['seconds']['step']:.1f} s",
        f"left {duration(_seconds_left(metrics['step'], max_steps, step_seconds))}",
    ]
    return " | ".join(parts)


def _of_rollout(metrics: Mapping[str, Any]) -> list[str]:
    return [
        "  ".join(f"{name} {_number(value)}" for name, value in metrics["rewards"].items()),
        f"length {metrics['completion_tokens']['mean']:.0f}",
        f"cut {metrics['truncated_share']:.0%}",
    ]


def _of_reuse(metrics: Mapping[str, Any]) -> list[str]:
    share = metrics["clipped_ratio_share"]
    return ["same rollout", *([f"clipped {share:.1%}"] if share is not None else [])]


def duration(seconds: float) -> str:
    """Return seconds as 42s, 3m05s or 2h07m."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def _seconds_left(step: int, max_steps: int, step_seconds: list[float]) -> float:
    recent = step_seconds[-10:]
    return (max_steps - step) * sum(recent) / len(recent)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}" if abs(value) >= 0.0005 or value == 0 else f"{value:.1e}"
