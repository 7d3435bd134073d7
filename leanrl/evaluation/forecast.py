"""Memory, hours and dollars of an evaluation by vLLM on one card, before it runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError
from leanrl.eval.benchmarks.named import NamedBenchmark, find_benchmark
from leanrl.eval.benchmarks.protocols import Protocol, find_protocol
from leanrl.evaluation.benchmark_data import load_benchmark
from leanrl.evaluation.engines import MOST_SLOTS_OF_VLLM
from leanrl.planner.machine.cards import Card
from leanrl.planner.machine.target import find_target
from leanrl.planner.memory.allocation import CONTEXT_BYTES
from leanrl.planner.memory.kv_cache import sequence_kv_bytes
from leanrl.planner.memory.rollout_engine import engine_working_bytes, served_weight_bytes
from leanrl.planner.models.known_models import find_shape
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.time.length_profile import LengthProfile, assumed_profiles, profile_of
from leanrl.planner.time.rollout_time import generation_seconds
from leanrl.planner.workload import Workload

_PROMPT_TOKENS = 512  # the longest; the formula takes half of it as the mean
# The spread over easy and hard problems without a limit. In the paper's evaluations of AMC23 the mean is 5,500 tokens,
# and 5 % of completions are cut at 32,768: their mean square is that of this spread.
_ASSUMED_CV = 1.2
# From start to first token and from last token to scores, on an A40: the paper's AIME24 took 640 s, 470 of them
# generating; AMC23 400 to 590 s, 366 of them generating.
_START_SECONDS = 150.0


@dataclass(frozen=True)
class EvalForecast:
    """What an evaluation needs; `hours` has one value for each assumed length, or a single one where it is known.

    `num_sequences` is how many completions at their longest the KV cache has room for. `notes` say what of the config
    does not count.
    """

    num_completions: Mapping[str, int]
    max_completion_tokens: int
    weight_bytes: int
    working_bytes: int
    kv_bytes: int
    num_sequences: int
    hours: Mapping[str, float]
    usd_per_hour: float | None
    notes: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        return self.num_sequences >= 1

    def as_json(self) -> dict[str, Any]:
        costs = {name: hours * (self.usd_per_hour or 0.0) for name, hours in self.hours.items()}
        return {**vars(self), "fits": self.fits, "cost_usd": None if self.usd_per_hour is None else costs}


def forecast_evaluation(
    config: RunConfig, benchmarks: Sequence[str], *, protocol: str, samples: int | None = None
) -> EvalForecast:
    """Return what an evaluation of `config.model` needs on the card that the config names.

    Time is that of the rollout formula for all completions as one rollout, and of a start: it was checked on the
    paper's own evaluations of one A40. Lengths of the config count only where they were sampled under a limit as long
    as the evaluation's: a run's training lengths say nothing of 32,768 tokens. A benchmark whose number of problems
    nobody knows is refused.

    Raises:
        ConfigError: for an unknown benchmark, protocol or model, or one without a number of problems.
        MissingError: if no card is named.
    """
    asked = find_protocol(protocol)
    asked = asked if samples is None else asked.with_samples(samples)
    shape = find_shape(config.model.id, revision=config.model.revision)
    target = find_target(config.model_copy(update={"hardware": _one_card(config)}))
    counts = {named.name: _count(named, asked) for named in map(find_benchmark, benchmarks)}
    total, limit = sum(counts.values()), asked.max_completion_tokens
    workload = Workload(
        method="full",
        engine="vllm-server",
        num_rollout_gpus=1,
        prompt_tokens=_PROMPT_TOKENS,
        completion_tokens=limit,
        completions_per_step=total,
    )
    at_once = replace(workload, completions_per_step=min(total, MOST_SLOTS_OF_VLLM))
    weights = served_weight_bytes(shape, workload)
    working = sum(engine_working_bytes(shape, at_once).values())
    kv_bytes = max(0, target.usable_bytes - CONTEXT_BYTES - weights - working)
    num_sequences = kv_bytes // max(1, sequence_kv_bytes(shape, tokens=_PROMPT_TOKENS + limit))
    fits = num_sequences >= 1 and target.card is not None and target.card.has_speeds(2)
    known, notes = _known_lengths(config, limit)
    profiles = assumed_profiles(limit, cv=_ASSUMED_CV) if known is None else [known]
    hours = _hours(profiles, shape, workload, target.card, kv_bytes) if fits and target.card is not None else {}
    usd = config.hardware.usd_per_hour
    if usd is None and target.card is not None and target.card.price is not None:
        usd = target.card.price.usd_per_hour
    return EvalForecast(counts, limit, weights, working, kv_bytes, num_sequences, hours, usd, notes)


def _one_card(config: RunConfig) -> Any:
    return config.hardware.model_copy(update={"num_gpus": 1, "device": "auto"})


def _count(named: NamedBenchmark, protocol: Protocol) -> int:
    problems = named.benchmark.num_problems
    if problems is None and named.benchmark.path is not None:
        problems = len(load_benchmark(named, protocol).rows)
    if problems is None:
        raise ConfigError(
            f"{named.name} does not say how many problems it has.",
            hint="`num_problems: N` in a benchmark file of its own",
        )
    return problems * protocol.samples(named.name, num_problems=problems)


def _known_lengths(config: RunConfig, limit_tokens: int) -> tuple[LengthProfile | None, tuple[str, ...]]:
    """Return the lengths of the config where they are those of an evaluation, and else what is said instead."""
    sampled_under = config.rollout.lengths.limit_tokens
    if sampled_under is None or sampled_under >= limit_tokens:
        return profile_of(config), ()
    note = (
        f"the lengths of the config were sampled under {sampled_under:,} tokens, in training: they do not count for "
        f"completions of up to {limit_tokens:,}"
    )
    return None, (note,)


def _hours(
    profiles: Sequence[LengthProfile], shape: ModelShape, workload: Workload, card: Card, kv_bytes: int
) -> dict[str, float]:
    def seconds(lengths: LengthProfile) -> float:
        return _START_SECONDS + generation_seconds(
            shape, workload, card, kv_bytes=kv_bytes, lengths=lengths, num_slots=MOST_SLOTS_OF_VLLM
        )

    return {lengths.text_at(workload.completion_tokens): seconds(lengths) / 3600 for lengths in profiles}
