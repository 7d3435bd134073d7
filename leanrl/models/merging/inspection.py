"""What a checkpoint is: method, base, rank, step, scores, complete or broken."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from leanrl.config.load import load_run_config
from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError, LeanRLError
from leanrl.hints import command
from leanrl.models.trained import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    adapter_names,
    run_around,
    run_at,
)
from leanrl.storage.checkpoint_files import COMPLETE, find_damage, missing_to_resume, to_read
from leanrl.storage.home import require_folder
from leanrl.storage.run_folder import RunFolder, read_json, read_json_if_whole, read_jsonl


@dataclass(frozen=True)
class Inspection:
    """What was found in one checkpoint; `damage` is empty where it can be used."""

    folder: Path
    facts: Mapping[str, str]
    damage: tuple[str, ...]

    def text(self) -> str:
        state = "complete" if not self.damage else f"broken: {'; '.join(self.damage)}"
        lines = [str(self.folder), *(f"  {name}: {value}" for name, value in self.facts.items()), f"  state: {state}"]
        return "\n".join(lines)


def inspect_checkpoints(source: Path) -> list[Inspection]:
    """Return what the checkpoint in `source` is, or each of those of a run folder, oldest first.

    Every file is compared with its hash in COMPLETE, and a broken checkpoint is told of, not refused.

    Raises:
        ConfigError: if `source` is neither.
    """
    require_folder(source)
    run = run_at(source)
    if run is not None:
        folders = sorted(path for path in run.checkpoints.iterdir() if path.is_dir())
        if not folders:
            raise ConfigError(f"{source} has no checkpoint yet.", hint=command("train", "--resume", source))
        return [_inspect(folder, run) for folder in folders]
    return [_inspect(source, run_around(source))]


def _inspect(folder: Path, run: RunFolder | None) -> Inspection:
    config, damage = _config_of(run)
    adapters = adapter_names(folder)
    facts: dict[str, str] = {}
    damage += find_damage(folder, lambda name: run is not None or to_read(name))
    if adapters:
        facts |= _adapter_facts(adapters, config, damage)
    elif (folder / "config.json").is_file():
        facts |= {"method": "full", **_model_facts(folder, config)}
        damage += _broken_model(folder)
    else:
        damage.append(f"there is neither an adapter ({ADAPTER_CONFIG}) nor a model (config.json)")
    facts |= _step_facts(folder, run)
    if config is not None and run is not None:
        facts |= _resume_facts(folder, config)
    if run is not None and not (folder / COMPLETE).is_file():
        damage.append(f"not written to its end: no {COMPLETE}")
    return Inspection(folder, facts, tuple(_first_of_each_file(damage)))


def _first_of_each_file(damage: list[str]) -> list[str]:
    """Leave out what is said of a file a second time: its hash and its header may both be wrong."""
    first = {line.partition(" ")[0]: line for line in reversed(damage)}
    return [line for line in damage if first[line.partition(" ")[0]] is line]


def _resume_facts(folder: Path, config: RunConfig) -> dict[str, str]:
    lacking = missing_to_resume(folder, num_ranks=config.num_train_ranks, shares_weights=config.shares_weights)
    return {"resume": f"not possible without {', '.join(lacking)}"} if lacking else {}


def _config_of(run: RunFolder | None) -> tuple[RunConfig | None, list[str]]:
    if run is None:
        return None, []
    try:
        return load_run_config(run.config), []
    except LeanRLError as error:
        return None, [error.message.splitlines()[0]]


def _adapter_facts(adapters: Mapping[str, Path], config: RunConfig | None, damage: list[str]) -> dict[str, str]:
    facts = {"method": "lora or qlora: no run says which" if config is None else config.model.tuning.method}
    for name, folder in adapters.items():
        prefix = "" if len(adapters) == 1 else f"{name}: "
        try:
            shape = read_json(folder / ADAPTER_CONFIG)
        except ConfigError as error:
            damage.append(error.message)
            continue
        named = shape.get("base_model_name_or_path") or "none is named"
        facts |= {
            f"{prefix}base": named if config is None else config.model.id or str(config.model.wheel),
            f"{prefix}rank": f"{shape.get('r')}, alpha {shape.get('lora_alpha')}",
            f"{prefix}targets": _targets(shape.get("target_modules")),
        }
        damage += [] if "peft_type" in shape else [f"{ADAPTER_CONFIG} names no peft_type"]
        damage += _broken_file(folder / ADAPTER_WEIGHTS)
    return facts


def _targets(targets: Any) -> str:
    if not isinstance(targets, list):
        return str(targets)
    # PEFT spells all-linear out, with the whole name of every module where there are few.
    return ", ".join(sorted({name.rpartition(".")[2] for name in targets}))


def _model_facts(folder: Path, config: RunConfig | None) -> dict[str, str]:
    try:
        model_type = read_json(folder / "config.json").get("model_type", "unknown")
    except ConfigError:
        return {}
    return {"model": model_type} | ({} if config is None else {"base": config.model.id})


def _broken_model(folder: Path) -> list[str]:
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return _broken_file(folder / "model.safetensors")
    try:
        shards = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError) as error:
        return [f"{index.name} cannot be read: {error}"]
    return [line for shard in shards for line in _broken_file(folder / shard)]


def _broken_file(file: Path) -> list[str]:
    """Return what is wrong with a safetensors file: its header says how long it has to be."""
    if not file.is_file():
        return [f"{file.name} is not there"]
    try:
        with safe_open(file, framework="pt") as opened:
            return [] if opened.keys() else [f"{file.name} holds no weights"]
    except (SafetensorError, OSError) as error:
        return [f"{file.name} cannot be read: {error}"]


def _step_facts(folder: Path, run: RunFolder | None) -> dict[str, str]:
    number = folder.resolve().name.removeprefix("step-")
    if not number.isdigit() or run is None:
        return {"step": number.lstrip("0") or "0"} if number.isdigit() else {}
    facts = {"step": str(int(number))}
    rewards = _rewards_at(run, int(number))
    if rewards:
        facts["rewards at this step"] = ", ".join(
            f"{name} {'scored none' if value is None else f'{value:.3f}'}" for name, value in rewards.items()
        )
    summary = read_json_if_whole(run.summary)
    if summary.get("checkpoint") == folder.resolve().name and {"greedy_before", "greedy_after"} <= summary.keys():
        before, after, asked = (summary.get(name) for name in ("greedy_before", "greedy_after", "num_eval"))
        facts["score"] = f"greedy {before:.1%} before training, {after:.1%} after ({asked} held-out problems)"
    else:
        facts["score"] = "not evaluated"
    return facts


def _rewards_at(run: RunFolder, step: int) -> dict[str, float]:
    if not run.metrics.is_file():
        return {}
    try:
        found = [line for line in read_jsonl(run.metrics) if isinstance(line, dict) and line.get("step") == step]
    except (LeanRLError, OSError):
        return {}
    rewards = found[-1].get("rewards", {}) if found else {}
    means = {name: value["mean"] if isinstance(value, dict) else value for name, value in rewards.items()}
    return {name: mean for name, mean in means.items() if mean is not None}  # none on completions of an earlier step
