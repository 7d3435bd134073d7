"""The rollout self-test: does the engine draw from the policy that is being trained?

"The adapter is silently ignored" has happened to every stack that hands adapters to an engine. The engine says with
which log-probability it drew each token, and the trainer can score the same tokens itself: where the two differ by
more than rounding, the engine serves something else. What else it is, is found by trying: the base without its
adapter, the adapter before, an empty prefix cache, another temperature.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from leanrl.errors import StoppedError
from leanrl.rollout.protocol import Adapter, Completion, GroupRequest, RolloutEngine, Sampling

# A mean difference (nats) above which the engine serves something else. Measured on a CPU with SmolLM2-135M: 1e-6
# where both compute in fp32; 4e-3 to 2.6e-2 where both compute in bf16, and 0.09 to 0.14 for a stale KV cache.
FP32_TOLERANCE = 1e-4
BF16_TOLERANCE = 0.05
# How much of a rollout is scored again. SmolLM2 in bf16 differs by 0.03 on average, give or take 0.04 for one token:
# the mean of 512 tokens is known to 0.002, and no healthy run is taken for a broken one in thousands of steps.
ENOUGH_TOKENS = 512
MAX_TOKENS = 256
_FEW_PROMPTS = 8
_TEMPERATURES = tuple(0.1 * tenth for tenth in range(1, 21))


@dataclass(frozen=True)
class Drawn:
    """A prompt with one completion that an engine drew for it, cut to what is scored."""

    prompt_ids: list[int]
    token_ids: list[int]
    logprobs: list[float]


class Scorer(Protocol):
    """The trainer's side: log-probabilities of given tokens under weights that it holds."""

    def score(self, drawn: Sequence[Drawn], *, temperature: float) -> list[list[float]]:
        """Return one number per token under the policy that is being trained."""
        ...


class AdapterScorer(Protocol):
    """What the trainer of an adapter can score besides: it has the base, and can put another adapter on it."""

    def score_base(self, drawn: Sequence[Drawn], *, temperature: float) -> list[list[float]]:
        """Return them under the base without its adapter."""
        ...

    def score_with(self, adapter: Adapter, drawn: Sequence[Drawn], *, temperature: float) -> list[list[float]]:
        """Return them under the base with another adapter, and leave the trained one as it was."""
        ...


# Returns the highest of the numbers that this rank and all others give; every rank has to call it.
Highest = Callable[[float], float]


def its_own(number: float) -> float:
    """Return the number: the highest of a rank that is alone."""
    return number


class RolloutMismatchError(StoppedError):
    """The engine does not draw from the policy that is being trained; `fault` says what it does instead."""

    def __init__(self, fault: str, what: str, *, difference: float, tolerance: float) -> None:
        super().__init__(
            f"rollout mismatch: {fault}. {what} Sampled log-probabilities differ from the trainer's by "
            f"{difference:.3g} nats a token on average, and {tolerance:.3g} is allowed.",
            hint="leanrl train --resume RUN starts the engine anew from the last checkpoint; "
            "-s rollout.engine=hf generates without it",
        )
        self.fault = fault
        self.difference = difference


@dataclass(frozen=True)
class SelfTest:
    """What the test compares, and what it may ask for when they differ.

    Args:
        adapters: scores other policies than the one that is trained; None where all parameters are.
        previous_adapter: the adapter of the version before; None where there is none.
        tolerance: mean difference in nats that rounding explains.
        highest: of all ranks. Each tests its own completions, and all of them decide alike: the ranks whose numbers
            differ say what explains it, the others agree with everything.
    """

    engine: RolloutEngine
    scorer: Scorer
    adapters: AdapterScorer | None
    sampling: Sampling
    previous_adapter: Adapter | None
    tolerance: float
    highest: Highest = its_own

    def check(self, requests: Sequence[GroupRequest], groups: Sequence[Sequence[Completion]]) -> float:
        """Return the mean absolute difference over a few of a rollout's completions, of the rank where it is highest.

        Raises:
            RolloutMismatchError: naming the fault, if it is more than rounding.
        """
        sampling, drawn = self.sampling, choose(requests, groups)
        ours = mean_difference(drawn, self.scorer.score(drawn, temperature=sampling.temperature))
        difference = self.highest(ours)
        if difference > self.tolerance:
            differing = self if ours > self.tolerance else replace(self, highest=lambda _: self.highest(0.0))
            raise differing._diagnose(requests, drawn, sampling, difference)
        return difference

    def _diagnose(
        self, requests: Sequence[GroupRequest], drawn: Sequence[Drawn], sampling: Sampling, difference: float
    ) -> RolloutMismatchError:
        """Return the error that names the first explanation under which the numbers agree."""
        fault, what = (
            self._as_without_adapter(drawn, sampling)
            or self._as_version_before(drawn, sampling)
            or self._as_other_temperature(drawn, sampling)
            or self._as_cached_prefix(requests, sampling)
            or self._as_other_base(requests, sampling)
            or self._unexplained()
        )
        return RolloutMismatchError(fault, what, difference=difference, tolerance=self.tolerance)

    def _as_without_adapter(self, drawn: Sequence[Drawn], sampling: Sampling) -> tuple[str, str] | None:
        if self.adapters is None:
            return None
        if not self._agrees(drawn, self.adapters.score_base(drawn, temperature=sampling.temperature)):
            return None
        return "ignored adapter", "The engine draws from the base as if there were no adapter."

    def _as_version_before(self, drawn: Sequence[Drawn], sampling: Sampling) -> tuple[str, str] | None:
        if self.adapters is None or self.previous_adapter is None:
            return None
        scores = self.adapters.score_with(self.previous_adapter, drawn, temperature=sampling.temperature)
        if not self._agrees(drawn, scores):
            return None
        return "stale adapter", "The engine draws from the version before; the last sync did not reach it."

    def _as_other_temperature(self, drawn: Sequence[Drawn], sampling: Sampling) -> tuple[str, str] | None:
        for temperature in _TEMPERATURES:
            if self._agrees(drawn, self.scorer.score(drawn, temperature=temperature)):
                what = f"The engine draws at temperature {temperature:g} instead of {sampling.temperature:g}."
                return "wrong temperature", what
        return None

    def _as_cached_prefix(self, requests: Sequence[GroupRequest], sampling: Sampling) -> tuple[str, str] | None:
        self.engine.forget_prefixes()
        again = draw_some(self.engine, requests, sampling)
        if not self._agrees(again, self.scorer.score(again, temperature=sampling.temperature)):
            return None
        what = "With an empty prefix cache the numbers agree: a KV cache of an older version was served."
        return "reused name", what

    def _as_other_base(self, requests: Sequence[GroupRequest], sampling: Sampling) -> tuple[str, str] | None:
        if self.adapters is None:
            return None
        few = requests[:_FEW_PROMPTS]
        bare = choose(few, self.engine.generate_without_adapter(few, _short(sampling)))
        if self._agrees(bare, self.adapters.score_base(bare, temperature=sampling.temperature)):
            return None
        return "wrong base model", "Without any adapter, too, the engine draws from another model than the trainer's."

    def _unexplained(self) -> tuple[str, str]:
        if self.adapters is None:
            return "stale weights", "The engine draws from other weights than the trainer's: a push did not reach it."
        return "unknown fault", "No base, version, cached prefix or temperature that is known here explains it."

    def _agrees(self, drawn: Sequence[Drawn], scores: Sequence[Sequence[float]]) -> bool:
        return self.highest(mean_difference(drawn, scores)) <= self.tolerance


def draw_some(engine: RolloutEngine, requests: Sequence[GroupRequest], sampling: Sampling) -> list[Drawn]:
    """Return completions of a few prompts, drawn anew."""
    few = requests[:_FEW_PROMPTS]
    return choose(few, engine.generate(few, _short(sampling)))


def choose(requests: Sequence[GroupRequest], groups: Sequence[Sequence[Completion]]) -> list[Drawn]:
    """Return completions of every prompt in turn until there are enough tokens, each cut to its first ones."""
    drawn: list[Drawn] = []
    in_turn = (
        (request, group[turn])
        for turn in range(max((len(group) for group in groups), default=0))
        for request, group in zip(requests, groups, strict=True)
        if turn < len(group)
    )
    for request, completion in in_turn:
        if sum(len(one.token_ids) for one in drawn) >= ENOUGH_TOKENS:
            break
        logprobs = completion.logprobs or []
        drawn.append(Drawn(request.prompt_ids, completion.token_ids[:MAX_TOKENS], logprobs[:MAX_TOKENS]))
    return drawn


def mean_difference(drawn: Sequence[Drawn], scores: Sequence[Sequence[float]]) -> float:
    """Return the mean over all tokens of |sampled - scored|, in nats; infinite where either is not a number."""
    gaps = [
        abs(sampled - scored)
        for one, scored_T in zip(drawn, scores, strict=True)
        for sampled, scored in zip(one.logprobs, scored_T, strict=True)
    ]
    mean = sum(gaps) / max(1, len(gaps))
    return math.inf if math.isnan(mean) else mean


def tolerance_for(compute_dtype: str) -> float:
    """Return the mean difference that rounding explains where both sides compute in this dtype."""
    return FP32_TOLERANCE if compute_dtype == "float32" else BF16_TOLERANCE


def _short(sampling: Sampling) -> Sampling:
    return replace(sampling, max_completion_tokens=min(MAX_TOKENS, sampling.max_completion_tokens))
