"""Quotas: how many prompts of each kind a step still asks, so that shares hold over the steps of a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from leanrl.seams.protocols import PromptContext


@dataclass
class Quotas:
    """Fractions of kinds, kept over all steps: what one step had too few of, the next ones make up for.

    Args:
        patience: prompts that a step turns down for each that it wants; after that it takes what comes, so that a kind
            that has run out does not run through the data.
    """

    patience: int
    _step: int | None = None
    _due: dict[str, float] = field(default_factory=dict)  # of all steps so far, less what was asked
    _left: dict[str, int] = field(default_factory=dict)  # of this step
    _turned_down: int = 0

    def takes(self, kind: str, shares: Mapping[str, float], context: PromptContext) -> bool:
        """Return whether a prompt of a kind is asked now, and count it; an unknown kind has the fraction 0."""
        if context.step != self._step or not any(self._left.values()):
            self._begin(shares, context)
        if self._left.get(kind, 0) > 0:
            self._left[kind] -= 1
            self._due[kind] = self._due.get(kind, 0.0) - 1
            return True
        if self._turned_down >= self.patience * context.num_wanted:
            self._take_anyway(kind)
            return True
        self._turned_down += 1
        return False

    def state_dict(self) -> dict[str, Any]:
        """Return the state as plain JSON."""
        return {"step": self._step, "due": self._due, "left": self._left, "turned_down": self._turned_down}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take a state over."""
        self._step, self._due, self._left = state["step"], dict(state["due"]), dict(state["left"])
        self._turned_down = state["turned_down"]

    def _begin(self, shares: Mapping[str, float], context: PromptContext) -> None:
        """Set the quotas of a step: whole numbers that add up, the largest remainders rounded up."""
        total = sum(shares.values())
        wanted = context.num_wanted
        for kind, share in shares.items():
            # A kind that has run out is owed no more than one step can ask.
            owed = min(self._due.get(kind, 0.0), float(wanted))
            self._due[kind] = max(owed, -float(wanted)) + wanted * share / total
        positive = {kind: max(0.0, self._due[kind]) for kind in shares}
        scale = wanted / sum(positive.values()) if any(positive.values()) else 0.0
        exact = {kind: due * scale for kind, due in positive.items()}
        self._left = {kind: int(count) for kind, count in exact.items()}
        by_remainder = sorted(exact, key=lambda kind: (self._left[kind] - exact[kind], str(kind)))
        for kind in by_remainder[: wanted - sum(self._left.values())]:
            self._left[kind] += 1
        self._step, self._turned_down = context.step, 0

    def _take_anyway(self, kind: str) -> None:
        """Count a prompt that is asked whatever the quotas say, in the place of the kind that lacks most."""
        lacking = max(self._left, key=lambda each: self._left[each], default=None)
        if lacking is not None and self._left[lacking] > 0:
            self._left[lacking] -= 1
        self._due[kind] = self._due.get(kind, 0.0) - 1
