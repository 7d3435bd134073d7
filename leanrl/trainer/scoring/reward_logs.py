"""RewardLogs: what reward functions of TRL's kind log beside their numbers."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

# Before the name of what a reward logs; metrics.jsonl has it under the word.
REWARD_METRICS = "reward_metrics/"


class RewardLogs:
    """Takes `log_metric(name, value)` and `log_extra(column, values)` of one rank (trl 1.16, grpo_trainer.py)."""

    def __init__(self, trainer_state: Callable[[], Any]) -> None:
        self._trainer_state = trainer_state
        self._metrics: dict[str, list[float]] = defaultdict(list)
        self._columns: dict[str, list[Any]] = defaultdict(list)

    def offers(self) -> Mapping[str, Any]:
        """Return what a reward function of TRL's kind may ask for by name."""
        return {
            "trainer_state": self._trainer_state(),
            "log_metric": lambda name, value: self._metrics[name].append(float(value)),
            "log_extra": lambda column, values: self._columns[column].extend(values),
        }

    def take_metrics(self, gather: Callable[[list[Any]], list[Any]]) -> dict[str, float]:
        """Return the mean of each metric over all ranks, and forget them."""
        logged = gather([pair for name, values in self._metrics.items() for pair in ((name, one) for one in values)])
        self._metrics.clear()
        by_name: dict[str, list[float]] = defaultdict(list)
        for name, value in logged:
            by_name[name].append(value)
        return {f"{REWARD_METRICS}{name}": sum(values) / len(values) for name, values in sorted(by_name.items())}

    def take_columns(self) -> dict[str, list[Any]]:
        """Return the columns of this rank's completions, and forget them."""
        columns, self._columns = dict(self._columns), defaultdict(list)
        return columns
