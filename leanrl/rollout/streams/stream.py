"""The border between an evaluation and what samples its completions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from leanrl.types import Message


@dataclass(frozen=True)
class StreamSampling:
    """How every completion of a stream is drawn; temperature 0 takes the likeliest token."""

    temperature: float
    top_p: float
    max_completion_tokens: int


@dataclass(frozen=True)
class StreamRequest:
    """One completion that is wanted. `key` comes back with it; `seed` decides what is drawn."""

    key: Any
    prompt: list[Message] | str
    seed: int


@dataclass(frozen=True)
class StreamAnswer:
    """A completion as text. `num_tokens` counts its end token, `seconds` runs from its request to its end."""

    key: Any
    text: str
    num_tokens: int
    is_truncated: bool
    seconds: float


@dataclass
class SlotMeter:
    """How many decoding slots of a stream were busy, over its steps or over time."""

    busy: float = 0.0
    total: float = 0.0

    def count(self, *, num_busy: float, num_slots: float) -> None:
        self.busy += num_busy
        self.total += num_slots

    @property
    def share(self) -> float | None:
        """Return the busy fraction of all slots; None where nothing was decoded."""
        return self.busy / self.total if self.total else None


Take = Callable[[], StreamRequest | None]


class CompletionStream(Protocol):
    """Samples completions; owns its model, processes and connections until it is closed."""

    meter: SlotMeter

    def draw(self, take: Take) -> Iterator[StreamAnswer]:
        """Yield completions as they end; `take` is asked for the next request whenever a slot is free.

        The end comes when `take` has returned None and all that it gave has been yielded.
        """
        ...

    def close(self) -> None:
        """Free everything; a second call does nothing."""
        ...
