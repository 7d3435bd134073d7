"""The limit of completions as a run goes on: fixed, in stages, or grown when completions are cut and nothing is won."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from leanrl.config.scheduled import scheduled
from leanrl.config.schema import RunConfig
from leanrl.types import Visit


class LengthLimit:
    """Tells the limit of each rollout, by the visits of all ranks in those before: all ranks tell alike.

    An automatic limit grows by `factor` when, over `window_rollouts` rollouts, the fraction of truncated ones is at
    least `truncated_share` and above that of the window before, and the fraction of correct ones is not `least_gain`
    above that of the window before. Then it begins to count anew. It ends at `rollout.max_completion_tokens`.
    """

    def __init__(self, config: RunConfig) -> None:
        self._config = config
        self._longer = config.schedules.automatic_length
        self._tokens = self._longer.from_tokens or config.rollout.max_completion_tokens
        self._rollouts: list[tuple[float, float]] = []  # fractions of truncated and of correct completions
        self._visits: list[Visit] = []

    def at(self, step: int) -> int:
        """Return the most tokens of a completion in the rollout after `step` optimizer steps."""
        if self._longer.from_tokens is not None:
            return self._tokens
        return scheduled(self._config, step).rollout.max_completion_tokens

    def hear(self, visits: Sequence[Visit]) -> None:
        """Take the visits of one round of a rollout."""
        if self._longer.from_tokens is not None:
            self._visits += visits

    def close_rollout(self) -> None:
        """Decide on the limit of the next rollout by what was heard."""
        if not self._visits:
            return
        truncated = [cut for visit in self._visits for cut in visit.truncated_G]
        correct = [right for visit in self._visits for right in visit.correct_G]
        self._rollouts.append((fmean(truncated), fmean(correct)))
        self._visits = []
        if self._is_due():
            self._tokens = min(
                math.ceil(self._tokens * self._longer.factor), self._config.rollout.max_completion_tokens
            )
            self._rollouts = []

    def _is_due(self) -> bool:
        window = self._longer.window_rollouts
        self._rollouts = self._rollouts[-2 * window :]
        if len(self._rollouts) < 2 * window:
            return False
        before, now = self._rollouts[:window], self._rollouts[window:]
        cut_before, cut = (fmean(truncated for truncated, _ in part) for part in (before, now))
        right_before, right = (fmean(correct for _, correct in part) for part in (before, now))
        is_cut_more = cut >= self._longer.truncated_share and cut > cut_before
        return is_cut_more and right - right_before < self._longer.least_gain

    def state_dict(self) -> dict[str, Any]:
        """Return the limit and what it will be decided by; nothing where no limit is decided."""
        if self._longer.from_tokens is None:
            return {}
        return {"tokens": self._tokens, "rollouts": [list(shares) for shares in self._rollouts]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take limit and history over."""
        self._visits = []
        if state and self._longer.from_tokens is not None:
            self._tokens = int(state["tokens"])
            self._rollouts = [(float(cut), float(right)) for cut, right in state["rollouts"]]
