"""What was counted by running a step, for models that the closed form does not know."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from leanrl.config.schema import RunConfig
from leanrl.planner.models.shapes import ModelShape

Source = Literal["closed_form", "simulation"]


@dataclass(frozen=True)
class MeasuredStep:
    """Bytes by component at the peak of each phase of one training rank, without a rollout engine."""

    phases: Mapping[str, Mapping[str, int]]

    @property
    def staying(self) -> dict[str, int]:
        """Bytes that stay through all phases."""
        loaded, stepped = self.phases["load"], self.phases["optimizer_step"]
        return {**loaded, "optimizer state": stepped.get("optimizer state", 0)}


@dataclass(frozen=True)
class MeasuredModel:
    """A model whose shape was counted on its modules, and what measures a step of a run with it."""

    shape: ModelShape
    measure: Callable[[RunConfig], MeasuredStep]
