"""The border between a trainer and what generates its completions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn; a completion ends behind one of `stop_token_ids`, or is cut at its longest.

    Temperature 0 takes the likeliest token. Without `needs_logprobs` those that come back may be of any temperature.
    """

    temperature: float
    max_completion_tokens: int
    stop_token_ids: tuple[int, ...]
    top_p: float = 1.0
    top_k: int = 0
    min_p: float | None = None
    repetition_penalty: float = 1.0
    needs_logprobs: bool = True

    @property
    def is_plain(self) -> bool:
        """Whether the sampled distribution is the softmax of the scaled logits, with nothing cut off or bent."""
        return self.top_p == 1.0 and self.top_k == 0 and not self.min_p and self.repetition_penalty == 1.0


@dataclass(frozen=True)
class GroupRequest:
    """One prompt, and how many completions of it are wanted.

    `seed` decides what is drawn, whatever else is drawn beside it, and either all requests of a call have one or none
    has. Completions of a group have `seed`, `seed + 1` and so on, as vLLM counts; the hf engine takes one completion.
    """

    prompt_ids: list[int]
    num_completions: int
    seed: int | None = None


@dataclass(frozen=True)
class Completion:
    """Sampled tokens, the end token among them.

    `logprobs` holds the log-probability (nats) of each after temperature, in the whole distribution: what sampling cuts
    off or bends (top_p, top_k, min_p, penalties) is left out of it, as it is of the trainer's. It is None where the
    model that is being trained samples by itself, so that nothing can differ.
    """

    token_ids: list[int]
    logprobs: list[float] | None


@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter as PEFT saves it: tensors by name, and the values of adapter_config.json."""

    tensors: Mapping[str, Tensor]
    config: Mapping[str, Any]


NamedTensors = Iterator[tuple[str, Tensor]]


def no_weights() -> NamedTensors:
    """Yield nothing: what is sent besides an adapter, or to an engine that shares the trainer's weights."""
    return iter(())


@dataclass(frozen=True)
class Policy:
    """The weights of one optimizer step, as far as an engine has to be sent them.

    `adapter` is what travels where one is trained. `weights` yields all parameters with their names in a checkpoint
    where all are trained, one after the other: nobody holds a copy of the model between two steps, and of a model in
    shards no more than one tensor is whole at a time.
    """

    version: int
    adapter: Adapter | None = None
    weights: Callable[[], NamedTensors] = no_weights


class RolloutEngine(Protocol):
    """Generates completions from the policy it was last given; owns its processes and files until it is closed."""

    def sync(self, policy: Policy) -> None:
        """Serve this policy from now on, and forget what was computed under older ones."""
        ...

    def generate(self, requests: Sequence[GroupRequest], sampling: Sampling) -> list[list[Completion]]:
        """Return the group of every request, in order, drawn from the policy that was synced last."""
        ...

    def generate_without_adapter(self, requests: Sequence[GroupRequest], sampling: Sampling) -> list[list[Completion]]:
        """Return groups drawn from the base model alone: what the self-test compares with."""
        ...

    def forget_prefixes(self) -> None:
        """Drop the cached KV of prompts."""
        ...

    def sleep(self) -> None:
        """Give memory back until `wake`; nothing is generated meanwhile."""
        ...

    def wake(self) -> None:
        """Take memory again; what was served before the sleep is served after it."""
        ...

    def close(self) -> None:
        """Free everything; a second call does nothing."""
        ...
