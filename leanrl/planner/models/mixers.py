"""What mixes tokens in layers without attention: its linear layers, its weights, its state and what it keeps.

A mixer sees its own widths alone. The norms before it and the MLP behind it are those of every layer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Mixer(Protocol):
    """Bytes and operations are those of one token, unless a name says otherwise; `number` is a computed one's size."""

    @property
    def chunk_tokens(self) -> int:
        """Rows are padded to a multiple of so many tokens."""

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

    def kept_bytes(self, number: int, *, trains_all: bool) -> int:
        """Bytes that the backward pass needs beside the inputs of linear layers."""

    def work_bytes(self, number: int) -> int:
        """The most bytes that a recomputed forward pass or the backward pass adds to what is kept."""

    def forward_bytes(self, number: int) -> int:
        """The most bytes of a forward pass without gradients, the stream not among them."""


@dataclass(frozen=True)
class ShortConvolution:
    """A convolution over few tokens between two gates (LFM2): `in_proj` makes both gates and what is convolved."""

    hidden: int
    kernel: int
    has_bias: int = 0
    chunk_tokens = 1

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

    def kept_bytes(self, number: int, *, trains_all: bool) -> int:
        """Both gates and the input, their product and the convolution of it."""
        return number * 5 * self.hidden

    def work_bytes(self, number: int) -> int:
        """Gradients of gates and input, and of what the convolution takes."""
        return number * 4 * self.hidden

    def forward_bytes(self, number: int) -> int:
        return number * 6 * self.hidden


@dataclass(frozen=True)
class GatedDeltaRule:
    """Linear attention by the gated delta rule (Qwen3.5), as transformers computes it without kernels of its own.

    A convolution over queries, keys and values; a matrix for each value head as state; a norm of each head's output,
    times a gate. What is kept and made was read off autograd's tensors and a traced step: the rule computes in fp32,
    in chunks, and autocast casts what it multiplies. Kernels (fla) keep less, so on a card that has them this is an
    upper bound.
    """

    hidden: int
    kernel: int
    key_heads: int
    value_heads: int
    key_head_dim: int
    value_head_dim: int
    chunk_tokens = 64

    @property
    def key(self) -> int:
        """Width of the keys once each value head has its own; queries are as wide."""
        return self.value_heads * self.key_head_dim

    @property
    def value(self) -> int:
        return self.value_heads * self.value_head_dim

    @property
    def convolved(self) -> int:
        """Width of what the convolution sees: queries, keys and values."""
        return 2 * self.key_heads * self.key_head_dim + self.value

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        return {
            "in_proj_qkv": (self.hidden, self.convolved),
            "in_proj_z": (self.hidden, self.value),
            "in_proj_b": (self.hidden, self.value_heads),
            "in_proj_a": (self.hidden, self.value_heads),
            "out_proj": (self.value, self.hidden),
        }

    @property
    def readers(self) -> list[tuple[str, ...]]:
        return [("in_proj_qkv", "in_proj_z", "in_proj_b", "in_proj_a"), ("out_proj",)]

    @property
    def other_params(self) -> int:
        """The convolution, two numbers of each head's decay, and the weight of the norm, which heads share."""
        return self.kernel * self.convolved + 2 * self.value_heads + self.value_head_dim

    @property
    def state_numbers(self) -> int:
        return self.key * self.value_head_dim + self.kernel * self.convolved

    @property
    def operations(self) -> int:
        """Products within a chunk (two of keys, one of values), two triangular systems, and three with the state."""
        within = 2 * self.chunk_tokens * (2 * self.key + self.value) + self.chunk_tokens * (self.key + self.value)
        return within + 6 * self.key * self.value_head_dim + 2 * self.kernel * self.convolved

    def kept_bytes(self, number: int, *, trains_all: bool) -> int:
        heads, key, value, pairs, states = self.value_heads, self.key, self.value, self._pairs, self._states
        in_fp32 = 8 * heads + 6 * key + 5 * value + 2 * pairs + states
        # Autocast makes 16-bit copies of what it multiplies, of all chunks at once or of one after the other.
        is_cast = number < 4
        multiplied = 7 * key + 2 * value + 3 * pairs + 2 * states if is_cast else 2 * key + value + 3 * pairs
        streamed = 2 * self.convolved + heads + value * (2 if trains_all else 1)
        return 4 * (in_fp32 + heads * trains_all) + number * (multiplied + streamed)

    def work_bytes(self, number: int) -> int:
        """At the end of the recomputed rule, in the backward pass of its loop, or in that of the norm.

        At the first two nothing of the norm is kept: three fp32 tensors of the values' width, and its output.
        """
        key, value, pairs = self.key, self.value, self._pairs
        of_norm = (12 + number) * value + 4 * self.value_heads
        repeats = 2 * key * (self.value_heads > self.key_heads)
        again = 4 * (3 * key + 3 * value + pairs) + number * (self.convolved + value + repeats)
        loop = 4 * (3 * key + 2 * value + pairs + 2 * max(key, value)) + number * value
        return max(again - of_norm, loop - of_norm, 16 * value)

    def forward_bytes(self, number: int) -> int:
        repeats = 2 * self.key * (self.value_heads > self.key_heads)
        in_fp32 = 5 * self.key + 5 * self.value + 3 * self._pairs
        return 4 * in_fp32 + number * (self.convolved + self.value + repeats)

    @property
    def _pairs(self) -> int:
        """Numbers of a token with every other of its chunk."""
        return self.value_heads * self.chunk_tokens

    @property
    def _states(self) -> int:
        """A token's part of the states, of which there is one a chunk."""
        return self.key * self.value_head_dim // self.chunk_tokens


_DELTA_RULE_KEYS = ("conv_kernel_dim", "num_key_heads", "num_value_heads", "key_head_dim", "value_head_dim")


def mixer_of(kind: str, hidden: int, widths: Sequence[int]) -> Mixer:
    """Return the mixer of a kind with the widths that `mixing_widths` gives."""
    return ShortConvolution(hidden, *widths) if kind == "short_convolution" else GatedDeltaRule(hidden, *widths)


def mixing_widths(kind: str, config: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the numbers of a config.json that a mixer of a kind is made of, beside the hidden size."""
    if kind == "short_convolution":
        return config["conv_L_cache"], int(bool(config.get("conv_bias")))
    return tuple(config[f"linear_{name}"] for name in _DELTA_RULE_KEYS)
