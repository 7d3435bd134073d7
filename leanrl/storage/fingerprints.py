"""Fingerprints of a run: hashes of what it was made of, kept in fingerprints.json and compared when it goes on."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leanrl.errors import Problem
from leanrl.storage.run_folder import RunFolder, read_json, read_json_if_whole, write_json

_SHOWN = 12  # characters of a hash in a message
# Keys that change neither a completion, a reward nor an update, and those whose content has a hash of its own.
_HARMLESS = (
    *("name", "about", "reasons", "tracking", "checkpoints", "watchdog", "eval", "log", "hub"),
    *("data.path", "data.hub_id", "data.hub_config", "data.hub_revision", "data.split"),
    *("model.id", "model.revision", "model.wheel", "model.chat_template", "model.tuning.start_adapter"),
    *("hardware.gpu", "hardware.vram_gib", "hardware.bandwidth_gb_per_second", "hardware.bf16_tflops"),
    *("hardware.usd_per_hour", "hardware.num_gpus", "hardware.num_cpu_ranks", "hardware.device"),
    *("rollout.num_gpus", "rollout.gpu_memory_fraction", "rollout.server_url", "rollout.server_port"),
    *("rollout.server_deadline_seconds", "rollout.sleep_level", "rollout.selftest_every_steps", "rollout.lengths"),
    *("train.max_steps", "train.num_epochs", "train.probe", "train.max_tokens_per_micro_batch"),
    *("train.micro_batch_completions", "train.gradient_checkpointing", "train.kept_layers"),
    *("train.offload_activations", "train.tile_tokens", "train.reference_device", "train.max_nonfinite_steps"),
)
_PARTS = {
    "config": "the config.json of the base model",
    "weights": "the tensors of the base model",
    "tokenizer": "the tokenizer of the base model",
}


@dataclass(frozen=True)
class Changes:
    """What of a run is other than at its last start; a run that goes on over `dangerous` ones is another run."""

    dangerous: list[Problem] = field(default_factory=list)
    harmless: list[str] = field(default_factory=list)


def keep_config(run: RunFolder, config: Mapping[str, Any]) -> None:
    """Write the configuration of a run, and the copy that tells later whether somebody has edited it."""
    write_json(run.config, config)
    note(run, {"config": config})


def note(run: RunFolder, facts: Mapping[str, Any]) -> None:
    """Write facts into the fingerprints of a run, in the place of earlier ones of the same names."""
    write_json(run.fingerprints, {**read_json_if_whole(run.fingerprints), **facts})


def file_sha256(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def facts_of_folder(run: RunFolder) -> dict[str, Any]:
    """Return what the run folder itself has hashes of: plug-ins, chat template, configuration."""
    template = run.kept_template()
    return {
        "plugins": {file.name: file_sha256(file) for file in run.kept_plugins()},
        "chat_template": None if template is None else file_sha256(template),
        "config": read_json(run.config),
    }


def changes(kept: Mapping[str, Any], now: Mapping[str, Any]) -> Changes:
    """Compare the fingerprints that a run keeps with those of today; what either side lacks is not compared.

    Plug-ins are left out: `plugin_trust` asks for them before they run.
    """
    found = Changes()
    found.dangerous.extend(_of_data(kept.get("data"), now.get("data")))
    found.dangerous.extend(_of_model(kept.get("model"), now.get("model")))
    if "chat_template" in now:
        found.dangerous.extend(_of_template(kept.get("chat_template"), now["chat_template"]))
    old, new = (
        _leaves(config) if isinstance(config, Mapping) else {} for config in (kept.get("config"), now.get("config"))
    )
    for key in sorted(old.keys() | new.keys()) if old and new else ():
        if old.get(key) == new.get(key):
            continue
        what = f"is {_text(new, key)}, and was {_text(old, key)} when the run was last started"
        if any(key == name or key.startswith(f"{name}.") for name in _HARMLESS):
            found.harmless.append(f"{key} {what}")
        else:
            found.dangerous.append(Problem(key, what))
    return found


def _of_data(kept: Any, now: Any) -> Iterator[Problem]:
    if now and isinstance(kept, Mapping) and kept != now:
        yield Problem("data", f"{_rows(now)}; the run was started with {_rows(kept)}")


def _rows(data: Mapping[str, Any]) -> str:
    return (
        f"{data.get('num_train_rows')} rows to train on and {data.get('num_heldout_rows')} held out "
        f"of SHA-256 {str(data.get('sha256'))[:_SHOWN]}"
    )


def _of_model(kept: Any, now: Any) -> Iterator[Problem]:
    for part, what in _PARTS.items() if now and isinstance(kept, Mapping) else ():
        if kept.get(part) != now.get(part):
            hashes = f"{str(now.get(part))[:_SHOWN]}, and was {str(kept.get(part))[:_SHOWN]}"
            yield Problem("model", f"the SHA-256 of {what} is {hashes}")


def _of_template(kept: Any, now: Any) -> Iterator[Problem]:
    if kept and not now:
        yield Problem("chat template", f"the run's copy is gone, and had the SHA-256 {str(kept)[:_SHOWN]}")
    elif kept and kept != now:
        yield Problem(
            "chat template", f"the run's copy has the SHA-256 {str(now)[:_SHOWN]}, and had {str(kept)[:_SHOWN]}"
        )


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    leaves: dict[str, Any] = {}
    for name, value in tree.items():
        key = f"{prefix}{name}"
        leaves |= _leaves(value, f"{key}.") if isinstance(value, Mapping) and value else {key: value}
    return leaves


def _text(leaves: Mapping[str, Any], key: str) -> str:
    return repr(leaves[key]) if key in leaves else "not there"
