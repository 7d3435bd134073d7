"""What an answer to `leanrl init` sets, or why it cannot be taken."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leanrl.config.load import load_config
from leanrl.config.schema import ModelConfig
from leanrl.data.load import load_problems
from leanrl.errors import ConfigError
from leanrl.machine.environment import gpu_names
from leanrl.models.locate import require_model_here
from leanrl.planner.machine.card_names import cards_called, find_card
from leanrl.planner.machine.target import require_bf16
from leanrl.storage.home import expanded

CPU = "cpu"
_CPU_PRESET, _CARD_PRESET = "cpu-demo", "single-gpu-lora"
# Words of a small model's answer to a word problem; the parent's sums take 14.
_CPU_COMPLETION_TOKENS, _CPU_PROMPT_TOKENS = 256, 512
_HELDOUT_SHARE, _MOST_HELDOUT = 0.2, 100

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Device:
    """What trains: the shipped preset that is made for it, and the settings of the card."""

    name: str
    parent: str
    settings: Settings


def device_here() -> str:
    """Return the name of this machine's first card where it is known, else cpu."""
    called = [card.name for driver_name in gpu_names() for card in cards_called(driver_name)]
    return called[0] if called else CPU


def read_device(answer: str, *, more: Sequence[str]) -> Device:
    """Return what trains.

    Args:
        more: settings that were typed, which may choose other numbers.

    Raises:
        ConfigError: for a card that is not known, or that lacks the numbers of the preset.
    """
    if answer.lower() == CPU:
        return Device(CPU, _CPU_PRESET, {})
    if answer.lower() in ("card", "gpu", "cuda"):
        raise ConfigError("which card? Its name says what fits.", hint="such as rtx3090; `leanrl cards` lists them")
    card = find_card(answer)
    require_bf16(card, load_config(_CARD_PRESET, [f"hardware.gpu={card.name}", *more]).config)
    return Device(card.name, _CARD_PRESET, {"hardware.gpu": card.name})


def read_model(answer: str, *, usual: str) -> Settings:
    """Return the settings of a model, none for the preset's own; the Hub is not asked.

    Raises:
        ConfigError: for a folder that holds no model, and for what is neither a folder nor a Hub id.
    """
    if answer == usual:
        return {}
    if expanded(answer).is_dir():
        require_model_here(ModelConfig(id=answer))
    elif answer.startswith((".", "/", "~")) or answer.count("/") != 1 or " " in answer:
        raise ConfigError(
            f"{answer!r} is no folder here, and no Hub id, which has the form OWNER/NAME.",
            hint="such as Qwen/Qwen2.5-0.5B-Instruct",
        )
    return {"model.id": answer}


def read_data(answer: str, *, parent: str, more: Sequence[str]) -> Settings:
    """Return the settings of a file of problems, none for an empty answer; the file is read as a run reads it.

    Args:
        more: settings that were typed, which may name the columns.

    Raises:
        DataError: if the file cannot be read, lacks a column, or holds nothing to train on.
    """
    if not answer:
        return {}
    path = expanded(answer)
    if not path.exists():
        raise ConfigError(f"{answer!r} does not exist.", hint="a file that ends in .jsonl, .json, .csv, .tsv, .parquet")
    own = {"data.path": str(path), **_asked_plainly(parent)}
    whole = {**own, "data.num_heldout": 0, "eval.greedy": False}
    config = load_config(parent, [*as_overrides(whole), *more]).config
    num_rows = len(load_problems(config.data, seed=config.train.seed).train)
    num_heldout = min(_MOST_HELDOUT, int(num_rows * _HELDOUT_SHARE))
    return {**own, "data.num_heldout": num_heldout, "eval.greedy": num_heldout > 0}


def _asked_plainly(parent: str) -> Settings:
    """Return what makes of the sums' prompt one for problems of any kind, with room for the answer."""
    if parent != _CPU_PRESET:
        return {}
    return {
        "data.examples": [],
        "data.prompt_template": "{problem}",
        "rollout.max_prompt_tokens": _CPU_PROMPT_TOKENS,
        "rollout.max_completion_tokens": _CPU_COMPLETION_TOKENS,
    }


def as_overrides(settings: Settings) -> list[str]:
    """Return settings as `-s` takes them."""
    return [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in settings.items()]
