"""The signals of a run's health: which metric each reads, which way is bad, and by which bounds it is judged."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from leanrl.config.sections.watchdog import WatchdogConfig

Metrics = Mapping[str, Any]
Kind = Literal["ends", "entropy", "drift", "gradient", "text", "reward"]


@dataclass(frozen=True)
class Signal:
    """One signal that is judged by its window.

    Args:
        name: of the signal, in warnings and in advice.
        kind: two signals of one kind are one piece of evidence.
        read: returns the value of a step; None where it was not measured.
        warn, act: bounds, in the metric's unit; None is no bound.
        words: what the number is, for a warning.
        falls: whether low values are the bad ones.
        is_rise: whether the bounds are distances from the first steps.
        warn_share: a bound as a fraction of the first steps' value, in place of `warn`.
        fold: least multiple of the first steps' value.
        min_change: least distance from the first steps' value.
        comes_with_learning: whether a run that learns moves the same way; then it counts only without its reward.
    """

    name: str
    kind: Kind
    read: Callable[[Metrics], Any]
    warn: float | None
    act: float | None
    words: str
    falls: bool = False
    is_rise: bool = False
    warn_share: float | None = None
    fold: float = 1.0
    min_change: float = 0.0
    comes_with_learning: bool = False
    is_share: bool = False

    def value(self, metrics: Metrics) -> float | None:
        """Return the value of a step; None where it was not measured, or is not finite."""
        return _finite(self.read(metrics))


def signals_of(watchdog: WatchdogConfig) -> tuple[Signal, ...]:
    """Return the signals that are judged against the first steps; the reward has rules of its own."""
    return (*_of_completions(watchdog), *_of_text(watchdog), *_of_policy(watchdog))


def reward_of(metrics: Metrics) -> float | None:
    """Return the mean reward of a step; None where nothing was scored."""
    return _finite(metrics.get("reward"))


def _finite(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _metric(name: str) -> Callable[[Metrics], Any]:
    return lambda metrics: metrics.get(name)


def _mismatch(metrics: Metrics) -> Any:
    of_tokens = (metrics.get("rollout_mismatch") or {}).get("logprob_difference_mean")
    return metrics.get("sampling_logprob_difference") if of_tokens is None else of_tokens


def _of_completions(watchdog: WatchdogConfig) -> tuple[Signal, ...]:
    return (
        Signal(
            "zero_std_share",
            "ends",
            _metric("zero_std_share"),
            warn=watchdog.zero_std_warn,
            act=watchdog.zero_std_act,
            words="of the groups have equal rewards and teach nothing",
            min_change=0.2,
            comes_with_learning=True,
            is_share=True,
        ),
        Signal(
            "truncated_share",
            "ends",
            _metric("truncated_share"),
            warn=watchdog.truncated_warn,
            act=watchdog.truncated_act,
            words="of the completions are cut at the token limit",
            min_change=0.1,
            is_share=True,
        ),
    )


def _of_text(watchdog: WatchdogConfig) -> tuple[Signal, ...]:
    return (
        Signal(
            "language_mix_share",
            "text",
            _metric("language_mix_share"),
            warn=watchdog.language_rise_warn,
            act=watchdog.language_rise_act,
            words="of the words are in another language than log.language",
            is_rise=True,
            is_share=True,
        ),
        Signal(
            "other_script_share",
            "text",
            _metric("other_script_share"),
            warn=watchdog.script_rise_warn,
            act=watchdog.script_rise_act,
            words="of the letters are in another script than that of log.language",
            is_rise=True,
            is_share=True,
        ),
        Signal(
            "repeated_4gram_share",
            "text",
            _metric("repeated_4gram_share"),
            warn=watchdog.repetition_rise_warn,
            act=watchdog.repetition_rise_act,
            words="of the 4-grams of tokens repeat an earlier one",
            is_rise=True,
            is_share=True,
        ),
    )


def _of_policy(watchdog: WatchdogConfig) -> tuple[Signal, ...]:
    return (
        Signal(
            "entropy_low",
            "entropy",
            _metric("entropy"),
            warn=None,
            act=watchdog.entropy_low_act,
            words="nats of entropy a token",
            falls=True,
            warn_share=watchdog.entropy_fall_warn,
            comes_with_learning=True,
        ),
        Signal(
            "entropy_high",
            "entropy",
            _metric("entropy"),
            warn=watchdog.entropy_high_warn,
            act=watchdog.entropy_high_act,
            words="nats of entropy a token",
            fold=1.5,
        ),
        Signal(
            "kl",
            "drift",
            _metric("kl"),
            warn=watchdog.kl_warn,
            act=watchdog.kl_act,
            words="nats a token of KL to the reference policy",
        ),
        Signal(
            "clipped_ratio_share",
            "drift",
            _metric("clipped_ratio_share"),
            warn=watchdog.clipped_ratio_warn,
            act=watchdog.clipped_ratio_act,
            words="of the tokens are beyond the clip bounds",
            min_change=0.05,
            is_share=True,
        ),
        Signal(
            "mismatch",
            "drift",
            _mismatch,
            warn=watchdog.mismatch_warn,
            act=watchdog.mismatch_act,
            words="nats a token lie between rollout engine and trainer",
            min_change=0.05,
        ),
        Signal(
            "grad_norm",
            "gradient",
            _metric("grad_norm"),
            warn=watchdog.grad_norm_warn,
            act=watchdog.grad_norm_act,
            words="is the gradient norm",
            fold=3.0,
        ),
    )
