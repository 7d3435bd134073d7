"""The self-test where the engine puts the adapter on another base: what the adapter does is compared.

A QLoRA adapter is trained on NF4, and vLLM serves it on the 16-bit weights. Then the two sides' log-probabilities
differ by the rounding of the base, token by token and more than a stale adapter would make them. But each side can
score the same tokens with its adapter and without, and the difference of those, the adapter's effect, shows on
both bases. So three things are compared: what the engine draws with what it scores, the adapter's effect on
both sides, and both bases.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from leanrl.rollout.protocol import Adapter, Completion, GroupRequest, RolloutEngine, Sampling
from leanrl.rollout.selftest import (
    BF16_TOLERANCE,
    AdapterScorer,
    Drawn,
    Highest,
    RolloutMismatchError,
    Scorer,
    choose,
    draw_some,
    its_own,
    mean_difference,
)

Scores = Sequence[Sequence[float]]
# A mean difference (nats) between NF4 and the 16-bit base above which the engine serves another model.
OTHER_BASE_TOLERANCE = 1.0
# The fraction of an effect that is not served is 0; of one that is, 0.14 to 0.50 over 18 steps of the demo. There
# rounding is as large as the effect (benchmarks/results/two-bases-2026-11-21.json), and nearer to 1 the larger it is.
_LEAST_SHARE = 0.1
_SURE_ERRORS = 5


class ScoringEngine(RolloutEngine, Protocol):
    """An engine that also tells the log-probabilities of given tokens, before any temperature."""

    def score(self, drawn: Sequence[Drawn]) -> list[list[float]]:
        """Return them under the policy that was synced last."""
        ...

    def score_without_adapter(self, drawn: Sequence[Drawn]) -> list[list[float]]:
        """Return them under the base model alone."""
        ...


@dataclass(frozen=True)
class EffectTest:
    """What the test compares; the arguments are those of `SelfTest`, `tolerance` that of the two bases.

    All ranks make the same calls and decide alike: what one of them finds in its own completions ends all.
    """

    engine: ScoringEngine
    scorer: Scorer
    adapters: AdapterScorer
    sampling: Sampling
    previous_adapter: Adapter | None
    tolerance: float
    highest: Highest = its_own

    def check(self, requests: Sequence[GroupRequest], groups: Sequence[Sequence[Completion]]) -> float:
        """Return the mean absolute difference between what was drawn and the trainer's policy, rounding included.

        Raises:
            RolloutMismatchError: naming the fault, if it is more than another base explains.
        """
        drawn = self._drawn(requests, groups)
        served, bare = self.engine.score(drawn), self.engine.score_without_adapter(drawn)
        ours = mean_difference(drawn, served)
        difference = self.highest(ours)
        if difference > BF16_TOLERANCE:
            differing = self if ours > BF16_TOLERANCE else replace(self, highest=lambda _: self.highest(0.0))
            raise differing._not_what_it_scores(requests, drawn, bare, difference)
        policy, base = self.scorer.score(drawn, temperature=1.0), self.adapters.score_base(drawn, temperature=1.0)
        between_bases = self.highest(_mean(gaps(bare, base)))
        if between_bases > self.tolerance:
            what = "Without any adapter the engine draws from another model than the one that was rounded to NF4."
            raise self._mismatch("wrong base model", what, between_bases, self.tolerance)
        self._require_effect(drawn, gaps(served, bare), gaps(policy, base), base)
        return self.highest(mean_difference(drawn, policy))

    def _drawn(self, requests: Sequence[GroupRequest], groups: Sequence[Sequence[Completion]]) -> list[Drawn]:
        """Return what is compared: drawn at temperature 1, since an engine scores without one, and a token short.

        An engine that scores a text adds a token to it, and a full context has no room for one.
        """
        drawn = choose(requests, groups)
        if not self.sampling.is_plain or self.sampling.temperature != 1.0:
            drawn = draw_some(self.engine, requests, _plain(self.sampling))
        most = max(1, self.sampling.max_completion_tokens - 1)
        return [replace(one, token_ids=one.token_ids[:most], logprobs=one.logprobs[:most]) for one in drawn]

    def _not_what_it_scores(
        self, requests: Sequence[GroupRequest], drawn: Sequence[Drawn], bare: Scores, difference: float
    ) -> RolloutMismatchError:
        if self._agrees(drawn, bare):
            what = "The engine draws from the base as if there were no adapter."
            return self._mismatch("ignored adapter", what, difference, BF16_TOLERANCE)
        self.engine.forget_prefixes()
        again = draw_some(self.engine, requests, _plain(self.sampling))
        if self._agrees(again, self.engine.score(again)):
            what = "With an empty prefix cache the numbers agree: a KV cache of an older version was served."
            return self._mismatch("reused name", what, difference, BF16_TOLERANCE)
        what = "The engine draws otherwise than it scores the same tokens."
        return self._mismatch("unknown fault", what, difference, BF16_TOLERANCE)

    def _agrees(self, drawn: Sequence[Drawn], scores: Scores) -> bool:
        return self.highest(mean_difference(drawn, scores)) <= BF16_TOLERANCE

    def _require_effect(
        self, drawn: Sequence[Drawn], served: Sequence[float], trained: Sequence[float], base: Scores
    ) -> None:
        """Compare the adapter's effect on the engine's base with that on the trainer's."""
        if self._is_absent_somewhere(trained, among=served):
            what = "The adapter has no effect on what the engine draws."
            raise self._mismatch("ignored adapter", what, self._distance(served, trained), BF16_TOLERANCE)
        if self.previous_adapter is None:
            return
        before = gaps(self.adapters.score_with(self.previous_adapter, drawn, temperature=1.0), base)
        update = beyond([now - then for now, then in zip(trained, before, strict=True)], before)
        if self._is_absent_somewhere(update, among=beyond(served, before)):
            what = "The engine draws from the version before; the last sync did not reach it."
            raise self._mismatch("stale adapter", what, self._distance(served, trained), BF16_TOLERANCE)

    def _is_absent_somewhere(self, expected: Sequence[float], *, among: Sequence[float]) -> bool:
        return self.highest(float(is_absent(expected, among=among))) > 0.0

    def _distance(self, served: Sequence[float], trained: Sequence[float]) -> float:
        return self.highest(_mean([one - other for one, other in zip(served, trained, strict=True)]))

    def _mismatch(self, fault: str, what: str, difference: float, tolerance: float) -> RolloutMismatchError:
        return RolloutMismatchError(fault, what, difference=difference, tolerance=tolerance)


def is_absent(expected: Sequence[float], *, among: Sequence[float]) -> bool:
    """Whether an expected effect (nats, token by token) is surely not among what the engine shows.

    What rounding alone would make is too small to be looked for: of updates of 0.02 to 0.04 nats a stale adapter shows
    as much as a served one (the same file).
    """
    if _mean(expected) <= BF16_TOLERANCE:
        return False
    share, error = share_of(expected, among=among)
    return share + _SURE_ERRORS * error < _LEAST_SHARE


def share_of(expected: Sequence[float], *, among: Sequence[float]) -> tuple[float, float]:
    """Return how much of an effect is there, by least squares, and the standard error of that; nothing of no effect.

    It is 1 where the effect is served, and 0 where it is not.
    """
    size = sum(one * one for one in expected)
    if size == 0.0:
        return 0.0, 0.0
    share = sum(one * seen for one, seen in zip(expected, among, strict=True)) / size
    rest = sum((seen - share * one) ** 2 for one, seen in zip(expected, among, strict=True))
    return share, math.sqrt(rest / max(1, len(expected) - 1) / size)


def beyond(update: Sequence[float], known: Sequence[float]) -> list[float]:
    """Return what of an update is no multiple of a known effect: another base may scale all that an adapter does."""
    share, _ = share_of(known, among=update)
    return [one - share * two for one, two in zip(update, known, strict=True)]


def gaps(scores: Scores, others: Scores) -> list[float]:
    """Return what lies between two scores of the same tokens, one after the other."""
    return [
        score - other
        for row, other_row in zip(scores, others, strict=True)
        for score, other in zip(row, other_row, strict=True)
    ]


def _mean(values: Sequence[float]) -> float:
    """Return the mean size; infinite where one is not a number."""
    mean = sum(abs(value) for value in values) / max(1, len(values))
    return math.inf if math.isnan(mean) else mean


def _plain(sampling: Sampling) -> Sampling:
    return Sampling(1.0, sampling.max_completion_tokens, sampling.stop_token_ids)
