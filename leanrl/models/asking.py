"""leanrl_prompt.json: how a model was asked in training, kept beside its weights."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError
from leanrl.storage.run_folder import read_json, write_json

ASKING_FILE = "leanrl_prompt.json"
# Keys of the configuration that make a prompt of a problem, by their names in the file.
_KEYS = {
    "system_prompt": ("data", "system_prompt"),
    "prompt_template": ("data", "prompt_template"),
    "examples": ("data", "examples"),
    "chat_template_kwargs": ("model", "chat_template_kwargs"),
    "max_completion_tokens": ("rollout", "max_completion_tokens"),
}


def write_asking(config: RunConfig, folder: Path) -> None:
    """Write how a run asks its problems; nothing in it names a place on this machine."""
    values = config.model_dump(mode="json")
    write_json(folder / ASKING_FILE, {name: values[section][leaf] for name, (section, leaf) in _KEYS.items()})


def read_asking(folder: Path) -> RunConfig:
    """Return a configuration that asks as the file says, and the defaults where there is no file.

    Raises:
        ConfigError: if the file holds something else.
    """
    file = folder / ASKING_FILE
    if not file.is_file():
        return RunConfig()
    values: dict[str, dict[str, Any]] = {"data": {}, "model": {}, "rollout": {}}
    for name, value in read_json(file).items():
        if name not in _KEYS:
            raise ConfigError(f"{file} has a key {name}; its keys are {', '.join(_KEYS)}.", hint="merge the run again")
        section, leaf = _KEYS[name]
        values[section][leaf] = value
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{file}: {where}: {first['msg']}", hint="merge the run again") from error
