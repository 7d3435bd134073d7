"""The largest known model that a method trains on a card, and its longest completions: `leanrl plan --largest`.

Every answer is a plan that fits, found by the search that `leanrl plan` offers fixes from. It keeps prompts,
completions and method, and leaves the KV cache room for eight completions at full length.
"""

import bisect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError
from leanrl.planner.automatic import automatic_changes
from leanrl.planner.machine.card_names import known_card
from leanrl.planner.machine.cards import GIB
from leanrl.planner.machine.target import Target, find_target, in_float32
from leanrl.planner.memory.rollout_engine import wanted_kv_bytes
from leanrl.planner.models.known_models import SIZED_MODELS, SizedModel
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.predict import predict, with_floors
from leanrl.planner.prediction import Plan
from leanrl.planner.search.fit import search_of
from leanrl.planner.search.fixes import (
    Changes,
    changes_only,
    is_refused,
    micro_batch_changes,
    new_refusals,
    with_changes,
)
from leanrl.planner.search.search_space import methods

Method = Literal["full", "lora", "qlora"]
METHODS: tuple[Method, ...] = ("full", "lora", "qlora")
# One for each size and age that people rent or own.
COMMON_CARDS = (
    *("rtx3060-12", "rtx4060ti-16", "l4", "rtx3090", "rtx4090"),
    *("rtx5090", "l40s", "a100-80", "h100", "h200"),
)
# With fewer sequences at a time, decoding reads the weights for too few tokens.
_LEAST_SEQUENCES = 8
_LENGTH_STEP = 512
_LARGEST_CARD_GIB = 1024
_LEAST_BYTES_A_PARAMETER = {"full": 2.0, "lora": 2.0, "qlora": 0.5}


@dataclass(frozen=True)
class Largest:
    """The largest known model of a method on a target, and its longest completions.

    `changes` make the run of the config that was asked for. `ends_context` says that the model takes no longer rows.
    """

    method: Method
    model_id: str
    completion_tokens: int
    ends_context: bool
    changes: Changes
    plan: Plan

    def to_json(self) -> dict[str, Any]:
        plan = self.plan
        return {
            "model": self.model_id,
            "parameters": plan.shape.num_params,
            "completion_tokens": self.completion_tokens,
            "ends_context": self.ends_context,
            "upper_bytes": plan.worst.upper_bytes,
            "usable_bytes": plan.worst.usable_bytes,
            "host_bytes": None if plan.host is None else plan.host.bytes,
            "step_seconds": plan.step_seconds,
            "changes": self.changes,
        }


@dataclass(frozen=True)
class Row:
    """The largest model of one method, or why there is none."""

    method: Method
    found: Largest | None = None
    why_not: str | None = None

    def to_json(self) -> dict[str, Any]:
        found = {"model": None, "why_not": self.why_not} if self.found is None else self.found.to_json()
        return {"method": self.method, **found}


def find_rows(
    configs: Mapping[Method, RunConfig],
    *,
    num_gpus: int | None = None,
    models: Sequence[SizedModel] = SIZED_MODELS,
    **target: Any,
) -> list[Row]:
    """Return a row for each method.

    Args:
        configs: the run to begin with for each method; one of another method is changed to it.
        num_gpus: cards, with as many prompts more as their ranks ask for; None keeps those of the runs.
        models: those to choose from.
        target: `card`, `vram_bytes`, `host_bytes` and `vllm` as in `plan_run`.

    Raises:
        ConfigError: for a run that trains on a CPU, and as `plan_run` does.
        MissingError: as `plan_run` does.
    """
    return [_row(config, method, num_gpus, models, target) for method, config in configs.items()]


def _row(
    config: RunConfig,
    method: Method,
    num_gpus: int | None,
    models: Sequence[SizedModel],
    target: Mapping[str, Any],
) -> Row:
    if config.hardware.is_cpu:
        raise ConfigError(
            f"{config.name} trains on a CPU, and --largest is for cards.", hint="`leanrl plan --largest --gpu rtx4090`"
        )
    if num_gpus is not None and num_gpus < 1:
        raise ConfigError(f"{num_gpus} cards hold nothing.", hint="`leanrl plan --largest --num-gpus 1`")
    card = target.get("card") or known_card(config.hardware.gpu)
    changes = _method_changes(config, method) | ({} if num_gpus is None else _card_changes(config, num_gpus))
    if card is not None and not card.has_bf16:
        if method == "qlora":
            return Row(method, why_not=f"NF4 computes in bf16, which the {card.name} does not have")
        changes |= in_float32(with_changes(config, changes))
    problem = next(iter(new_refusals(config, changes)), None)
    if problem is not None:
        return Row(method, why_not=f"{problem.where}: {problem.what}")
    start = with_changes(config, changes)
    found = find_largest(start, models=models, **target)
    if found is None:
        return Row(method, why_not=_what_is_missing(start, models, find_target(start, **target)))
    return Row(method, replace(found, changes=changes_only(config, changes | found.changes)))


def _method_changes(config: RunConfig, method: Method) -> Changes:
    if method == config.model.tuning.method:
        return {}
    options = [one for one in methods(config) if one["model.tuning.method"] == method]
    options = options or [{"model.tuning.method": method}]
    return next((one for one in options if not is_refused(config, one)), options[0])


def _card_changes(config: RunConfig, num_gpus: int) -> Changes:
    ranks = max(1, num_gpus - config.rollout.num_gpus) * config.hardware.num_nodes
    step = ranks * config.train.updates_per_rollout
    return {
        "hardware.num_gpus": num_gpus,
        "train.num_prompts": math.ceil(config.train.num_prompts / step) * step,
    }


def find_largest(config: RunConfig, *, models: Sequence[SizedModel] = SIZED_MODELS, **target: Any) -> Largest | None:
    """Return the largest of some models that the config's method trains, or None where none fits.

    Args:
        config: the run; its model stands aside, and its completions are the shortest that count.
        models: those to choose from.
        target: `card`, `vram_bytes`, `host_bytes` and `vllm` as in `plan_run`.

    Raises:
        ConfigError, MissingError: as `plan_run` does.
    """
    place = find_target(config, **target)
    fitting = (_longest_of(config, model, place) for model in _by_size(config, place, models))
    return next((found for found in fitting if found is not None), None)


def _by_size(config: RunConfig, target: Target, models: Sequence[SizedModel]) -> list[SizedModel]:
    """Return one model of each shape, largest first, that takes such rows and whose weights alone are not too large."""
    row_tokens = config.rollout.max_prompt_tokens + config.rollout.max_completion_tokens
    bytes_a_parameter = _LEAST_BYTES_A_PARAMETER[config.model.tuning.method] / config.num_train_ranks
    by_shape: dict[ModelShape, SizedModel] = {}
    for model in models:
        if model.context_tokens < row_tokens or bytes_a_parameter * model.shape.num_params > target.usable_bytes:
            continue
        other = by_shape.setdefault(model.shape, model)
        if model.context_tokens > other.context_tokens:
            by_shape[model.shape] = model
    return sorted(by_shape.values(), key=lambda model: -model.shape.num_params)


def _longest_of(config: RunConfig, model: SizedModel, target: Target) -> Largest | None:
    """Return the row of a model with the longest completions that fit, or None where the config's own do not."""
    shortest = config.rollout.max_completion_tokens
    longest = model.context_tokens - config.rollout.max_prompt_tokens
    fits = _Fitting(config, model, target)
    if not fits(shortest):
        return None
    lengths = [shortest, *range((shortest // _LENGTH_STEP + 1) * _LENGTH_STEP, longest, _LENGTH_STEP)]
    lengths += [longest] if longest > shortest else []
    tokens = lengths[bisect.bisect_left(lengths, True, key=lambda length: not fits(length)) - 1]
    changes = _settings(with_changes(config, _sized(model, tokens)), model.shape, target)
    asked = changes_only(config, _sized(model, tokens) | changes)
    plan = _planned(with_changes(config, asked), model.shape, target)
    return Largest(config.model.tuning.method, model.model_id, tokens, tokens == longest, asked, plan)


def _what_is_missing(config: RunConfig, models: Sequence[SizedModel], target: Target) -> str:
    """Return why none of the models fits: what the smallest needs, or that none takes rows of such a length."""
    row_tokens = config.rollout.max_prompt_tokens + config.rollout.max_completion_tokens
    long = [model for model in models if model.context_tokens >= row_tokens]
    if not long:
        return f"none takes rows of {row_tokens:,} tokens: shorten rollout.max_completion_tokens"
    smallest = min(long, key=lambda model: model.shape.num_params)
    sizes = range(target.usable_bytes * 10 // GIB, _LARGEST_CARD_GIB * 10)
    needed = bisect.bisect_left(sizes, True, key=lambda tenths: _fits_on(config, smallest, target, tenths * GIB // 10))
    if needed == len(sizes):
        return f"none fits: {smallest.model_id} is too large for the memory of this machine"
    return f"none fits: {smallest.model_id} needs cards with {sizes[needed] / 10:.1f} GiB"


def _fits_on(config: RunConfig, model: SizedModel, target: Target, usable_bytes: int) -> bool:
    fits = _Fitting(config, model, replace(target, usable_bytes=usable_bytes))
    return fits(config.rollout.max_completion_tokens)


class _Fitting:
    """Whether any settings of the method make completions of a length fit; those that did are tried first."""

    def __init__(self, config: RunConfig, model: SizedModel, target: Target) -> None:
        self._config, self._model, self._target = config, model, target
        self._last: Changes | None = None

    def __call__(self, completion_tokens: int) -> bool:
        config = with_changes(self._config, _sized(self._model, completion_tokens))
        smallest = with_changes(config, micro_batch_changes(config, 1))
        search = search_of(smallest, self._model.shape, self._target, missing=_missing)
        if self._last is not None and search.fits(self._last):
            return True
        found = search.leanest_of_method()
        self._last = found.changes if found is not None else self._last
        return found is not None


def _sized(model: SizedModel, completion_tokens: int) -> Changes:
    return {
        "model.id": model.model_id,
        "rollout.max_completion_tokens": completion_tokens,
        "rollout.max_model_tokens": None,
    }


def _settings(config: RunConfig, shape: ModelShape, target: Target) -> Changes:
    """Return the fewest settings that make a run fit; a micro-batch `auto` stays where it chooses one that fits."""
    found = search_of(config, shape, target, missing=_missing).fewest_of_method()
    assert found is not None
    key = "train.max_tokens_per_micro_batch"
    automatic = {name: value for name, value in found.changes.items() if name != key}
    is_chosen = config.train.max_tokens_per_micro_batch == "auto"
    if is_chosen and _missing(_planned(with_changes(config, automatic), shape, target)) <= 0:
        return automatic
    return found.changes


def _planned(config: RunConfig, shape: ModelShape, target: Target) -> Plan:
    """Return the plan as `plan_run` makes it."""
    chosen = with_changes(config, automatic_changes(config, shape, target))
    return with_floors(predict(chosen, shape, target))


def _missing(plan: Plan) -> int:
    """Bytes by which a run is too large, or its KV cache too small for eight completions at full length."""
    together = plan.workload.completions_per_engine
    wanted = 0 if plan.workload.engine == "hf" else wanted_kv_bytes(plan.shape, plan.workload)
    least = wanted * min(together, _LEAST_SEQUENCES) // together
    return max(plan.missing_bytes, least - plan.kv_cache_bytes)
