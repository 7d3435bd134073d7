"""Made-up metrics of runs in the shapes of the paper's three experiments (arXiv 2503.16219): healthy ones, and ones
that fall apart.

The paper's runs have 72 completions of 12 prompts a step, and limits of 4096 (experiment 1) and 3584 tokens. All three
improve for 50 to 100 steps and are worse after 150 to 200: completions reach the limit (1), the KL is unstable (2, 3),
and the language drifts (all). The paper publishes no metrics: levels, noise and the size of each fault are drawn from
wide ranges. A fault begins between steps 120 and 170 and takes 20 to 50 steps to its full size.
"""

import math
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

Experiment = Literal["exp1", "exp2", "exp3"]
EXPERIMENTS: tuple[Experiment, ...] = ("exp1", "exp2", "exp3")
NUM_STEPS = 400
_PROMPTS, _COMPLETIONS = 12, 72
_ONSET, _RAMP = (120, 170), (20, 50)
# Rare single steps far out, in healthy runs too.
_SPIKE_SHARE = 0.01


@dataclass(frozen=True)
class _Level:
    """Where an experiment starts: mean reward and fraction of cut completions (ranges)."""

    reward: tuple[float, float]
    truncated: tuple[float, float]


@dataclass(frozen=True)
class _Fault:
    """What a fault of full size adds (ranges); `reward` and `entropy` are fractions of what there was."""

    truncated: tuple[float, float]
    reward: tuple[float, float]
    language: tuple[float, float]
    entropy: tuple[float, float]
    kl: tuple[float, float]
    kl_spread: float


_LEVELS: dict[Experiment, _Level] = {
    "exp1": _Level(reward=(1.0, 1.6), truncated=(0.2, 0.4)),
    "exp2": _Level(reward=(1.3, 1.9), truncated=(0.1, 0.3)),
    "exp3": _Level(reward=(1.1, 1.7), truncated=(0.05, 0.2)),
}
_FAULTS: dict[Experiment, _Fault] = {
    "exp1": _Fault((0.35, 0.55), (0.3, 0.6), (0.08, 0.35), (0.5, 2.0), (0.1, 0.8), 0.3),
    "exp2": _Fault((0.1, 0.4), (0.2, 0.5), (0.08, 0.35), (0.3, 1.5), (0.5, 4.0), 0.8),
    "exp3": _Fault((0.0, 0.05), (0.15, 0.35), (0.08, 0.35), (0.3, 1.5), (0.5, 4.0), 0.8),
}


def trace(
    experiment: Experiment, *, collapses: bool, seed: int, num_steps: int = NUM_STEPS, size: float = 1.0
) -> list[dict[str, Any]]:
    """Return the metrics of each step of a made-up run; `size` is the fraction of a fault that it has."""
    rng = Random(f"{experiment}/{collapses}/{seed}")
    run = _Run(experiment, rng)
    onset, ramp = rng.uniform(*_ONSET), rng.uniform(*_RAMP)
    return [
        {"step": step, **run.step(step, fault=size * min(1.0, max(0.0, (step - onset) / ramp)) if collapses else 0.0)}
        for step in range(1, num_steps + 1)
    ]


class _Run:
    """One run: levels that are drawn once, and the noise of each step."""

    def __init__(self, experiment: Experiment, rng: Random) -> None:
        self.rng = rng
        level, fault = _LEVELS[experiment], _FAULTS[experiment]
        self.noise = rng.uniform(0.7, 1.4)
        self.reward, self.gain = rng.uniform(*level.reward), rng.uniform(0.0, 0.3)
        self.truncated, self.shorter = rng.uniform(*level.truncated), rng.uniform(0.0, 0.5)
        self.zero_std, self.mastered = rng.uniform(0.2, 0.42), rng.uniform(0.0, 0.12)
        self.entropy, self.sharper = rng.uniform(0.2, 0.42), rng.uniform(-0.1, 0.4)
        self.kl, self.grad_norm = rng.uniform(0.01, 0.15), rng.uniform(0.08, 0.4)
        self.language, self.repetition = rng.uniform(0.005, 0.02), rng.uniform(0.1, 0.3)
        self.drift = rng.uniform(-0.03, 0.03)
        drawn = {
            name: rng.uniform(*getattr(fault, name)) for name in ("truncated", "reward", "language", "entropy", "kl")
        }
        self.fault, self.kl_spread = drawn, fault.kl_spread
        self._slow = dict.fromkeys(("reward", "truncated", "entropy", "language", "repetition"), 0.0)

    def step(self, step: int, *, fault: float) -> dict[str, Any]:
        learned, share = 1 - math.exp(-step / 60), step / NUM_STEPS
        for name in self._slow:  # noise that lasts some steps, as the mix of problems and the policy do
            self._slow[name] = 0.7 * self._slow[name] + self.rng.gauss(0.0, 0.7)
        reward = self.reward * (1 + self.gain * learned) * (1 - fault * self.fault["reward"])
        truncated = self.truncated * (1 - self.shorter * learned) + fault * self.fault["truncated"]
        entropy = self.entropy * (1 - self.sharper * share) * (1 + fault * self.fault["entropy"])
        kl = self.kl * (1 - math.exp(-step / 150)) + fault * self.fault["kl"] * self._spread(self.kl_spread)
        language = self.language + fault * self.fault["language"]
        return {
            "reward": reward + self._noise("reward", 0.07) * self.reward,
            "zero_std_share": self._count(self.zero_std + self.mastered * share, _PROMPTS),
            "truncated_share": self._count(truncated + self._noise("truncated", 0.03), _COMPLETIONS),
            "entropy": max(0.0, entropy * (1 + self._noise("entropy", 0.05))),
            "kl": kl * self._spread(0.2) * self._spike(20.0),
            "grad_norm": self.grad_norm * self._spread(0.3) * (1 + fault) * self._spike(30.0),
            "clipped_ratio_share": 0.0,
            "language_mix_share": max(0.0, language + self._noise("language", 0.004)) * self._spike(5.0),
            "other_script_share": max(0.0, 0.3 * language + self._noise("language", 0.002)),
            "repeated_4gram_share": max(0.0, self.repetition + self.drift * share + self._noise("repetition", 0.015)),
        }

    def _noise(self, name: str, size: float) -> float:
        return self.noise * size * (self.rng.gauss(0.0, 1.0) + self._slow[name]) / math.sqrt(2)

    def _spread(self, sigma: float) -> float:
        return math.exp(self.rng.gauss(0.0, self.noise * sigma))

    def _spike(self, most: float) -> float:
        return self.rng.uniform(3.0, most) if self.rng.random() < _SPIKE_SHARE else 1.0

    def _count(self, share: float, size: int) -> float:
        share = min(1.0, max(0.0, share))
        return sum(self.rng.random() < share for _ in range(size)) / size
