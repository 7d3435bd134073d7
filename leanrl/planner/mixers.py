"""What mixes tokens in layers without attention: its linear layers, its weights, its state and what it keeps.

A mixer sees its own widths alone. The norms before it and the MLP behind it are those of every layer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Mixer(Protocol):
    """Bytes and operations are those of one token, unless a name says otherwise."""

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        """(inputs, outputs) of each linear layer."""

    @property
    def readers(self) -> list[tuple[str, ...]]:
        """Linear layers grouped by the tensor they read, the last of them alone."""

    @property
    def other_params(self) -> int:
        """Parameters outside the linear layers' weights."""

    @property
    def state_numbers(self) -> int:
        """Numbers of the state that a sequence has while it grows."""

    @property
    def operations(self) -> int:
        """Operations of a forward pass beside those of the linear layers."""

    def kept_bytes(self, number: int) -> int:
        """Bytes that the backward pass needs beside the inputs of linear layers; `number` is a computed one's size."""

    def backward_bytes(self, number: int) -> int:
        """The most bytes that the backward pass adds to what is kept."""

    def forward_bytes(self, number: int) -> int:
        """The most bytes of a forward pass without gradients, the stream not among them."""


@dataclass(frozen=True)
class ShortConvolution:
    """A convolution over few tokens between two gates (LFM2): `in_proj` makes both gates and what is convolved."""

    hidden: int
    kernel: int
    has_bias: int = 0

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        return {"in_proj": (self.hidden, 3 * self.hidden), "out_proj": (self.hidden, self.hidden)}

    @property
    def readers(self) -> list[tuple[str, ...]]:
        return [("in_proj",), ("out_proj",)]

    @property
    def other_params(self) -> int:
        biases = 3 * self.hidden + self.hidden + self.hidden
        return self.kernel * self.hidden + self.has_bias * biases

    @property
    def state_numbers(self) -> int:
        return self.kernel * self.hidden

    @property
    def operations(self) -> int:
        return 2 * self.kernel * self.hidden

    def kept_bytes(self, number: int) -> int:
        """Both gates and the input, their product and the convolution of it."""
        return number * 5 * self.hidden

    def backward_bytes(self, number: int) -> int:
        """Gradients of gates and input, and of what the convolution takes."""
        return number * 4 * self.hidden

    def forward_bytes(self, number: int) -> int:
        return number * 6 * self.hidden


def mixer_of(kind: str, hidden: int, widths: Sequence[int]) -> Mixer:
    """Return the mixer of a kind with the widths that `mixing_widths` gives."""
    return ShortConvolution(hidden, *widths)


def mixing_widths(kind: str, config: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the numbers of a config.json that a mixer of a kind is made of, beside the hidden size."""
    return config["conv_L_cache"], int(bool(config.get("conv_bias")))
