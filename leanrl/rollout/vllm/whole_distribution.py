"""Log-probabilities of the whole distribution, from a vLLM that samples from a part of it.

With top_p, top_k or min_p vLLM's processed log-probabilities are those of the tokens that were left, and the trainer's
are of all. Their ratio would weigh each token with the mass that was left, and shrink the gradient (a norm of 0.22 in
place of 0.91). Raw ones are of all tokens and without penalties, but before temperature. So the worker divides the
logits by the temperature itself, and vLLM samples at 1: the same tokens, with raw log-probabilities at the temperature.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from leanrl.config.schema import RunConfig
from leanrl.rollout.vllm.tied_head import TiedHead

if TYPE_CHECKING:  # the protocol speaks of tensors, and a dry run comes here without torch
    from leanrl.rollout.protocol import Sampling

LogprobsMode = Literal["processed_logprobs", "raw_logprobs"]


def logprobs_mode(config: RunConfig) -> LogprobsMode:
    """Return the log-probabilities that a run asks vLLM for; both are the same where nothing is cut off or bent."""
    return "processed_logprobs" if config.samples_plainly else "raw_logprobs"


def scale_logits(worker: Any, factor: float) -> None:
    """Let a vLLM worker's model multiply its logits by a factor, in fp32, until the next call; 1 leaves them alone."""
    model = worker.model_runner.get_model()
    vars(model).pop("compute_logits", None)
    if factor == 1.0:
        return
    unscaled = model.compute_logits

    def compute_logits(*arguments: Any, **named: Any) -> Any:
        logits = unscaled(*arguments, **named)
        return None if logits is None else logits.float() * factor

    model.compute_logits = compute_logits


class ScaledLogits:
    """Methods that vLLM adds to its worker (`worker_extension_cls`), for callers that know them by name."""

    def scale_logits(self, factor: float) -> None:
        scale_logits(self, factor)


class TiedHeadAndScaledLogits(TiedHead, ScaledLogits):
    """Both, where a run needs both: vLLM takes one class."""


def scaling_extension(tied_head: str | None) -> str:
    """Return the dotted name of the worker's extension that scales logits, and packs a tied head where one is named."""
    extension = ScaledLogits if tied_head is None else TiedHeadAndScaledLogits
    return f"{extension.__module__}.{extension.__name__}"


@contextmanager
def at_temperature(sampling: "Sampling", mode: str, scale: Callable[[float], object]) -> Iterator["Sampling"]:
    """Give the sampling to ask vLLM for, while its log-probabilities are those at `sampling.temperature`.

    Args:
        mode: the engine's `logprobs_mode`.
        scale: has the engine's workers multiply their logits.
    """
    if mode != "raw_logprobs" or sampling.temperature == 1.0 or not sampling.needs_logprobs:
        yield sampling
        return
    scale(1.0 / sampling.temperature)
    try:
        yield replace(sampling, temperature=1.0)
    finally:
        scale(1.0)
