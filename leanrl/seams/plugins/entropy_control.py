"""A controller that holds the policy's entropy at a target."""

from collections.abc import Mapping
from math import isfinite

from leanrl.config.sections.field_types import NonNegative
from leanrl.seams.registry import plugin


@plugin("after_step", "entropy_control")
class EntropyControl:
    """Raise the entropy coefficient by `change` after a step below the target, and lower it after any other.

    The coefficient stays within [0, `highest`]. It is in force only after a step whose entropy was below the target:
    else `algorithm.entropy_coef` is 0, whatever the coefficient is. A step without a finite entropy changes nothing.

    While `algorithm.entropy_coef` is above 0, completions without an advantage need passes too.

    Args:
        target: mean entropy of a token, in nats.
        change: of the coefficient after a step.
        highest: bound of the coefficient.
        start: the coefficient before the first step.

    Source: Skywork-OR1, arXiv 2505.22312, with the values of its 7B scripts. It estimates the entropy by the sampled
    tokens' -log-probabilities; ours is the mean of each token's exact entropy.
    """

    def __init__(
        self,
        *,
        target: NonNegative = 0.2,
        change: NonNegative = 1e-4,
        highest: NonNegative = 5e-3,
        start: NonNegative = 0.0,
    ) -> None:
        self.coef = start
        self._target = target
        self._change = change
        self._highest = highest

    def __call__(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """Return the coefficient of the next step by the entropy of this one."""
        entropy = metrics.get("entropy")
        if entropy is None or not isfinite(entropy):
            return {}
        is_low = entropy < self._target
        self.coef = min(max(self.coef + (self._change if is_low else -self._change), 0.0), self._highest)
        return {"algorithm.entropy_coef": self.coef if is_low else 0.0}

    def state_dict(self) -> dict[str, float]:
        """Return the coefficient."""
        return {"coef": self.coef}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Take the coefficient over."""
        self.coef = state["coef"]
