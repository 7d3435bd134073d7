"""Felt: one key of the schema, a changed value of it, and the real object that shows the change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from leanrl.config.schema import RunConfig
from tests.trainer.small_trainer import Notes, small_config, small_trainer

# Stands for an expected value that no arithmetic gives: the probe shows something else, and that is all.
ANOTHER = object()


@dataclass(frozen=True)
class Here:
    """What a probe works with: the folder of a tiny model, an empty folder, and what replaces the network."""

    model: Path
    folder: Path
    patch: pytest.MonkeyPatch


Probe = Callable[[RunConfig, Here], Any]


@dataclass(frozen=True)
class Felt:
    """A key whose change is felt.

    Args:
        key: its dotted name; an item of a list of sections has no number.
        value: the changed value, or a function of Here that makes it.
        probe: reads what the key decides out of the object that uses it, never out of the configuration.
        shows: what the probe shows with the changed value; numbers are compared to 6 digits.
        beside: other keys that both configurations have.
        usual: the value of the other configuration; None leaves the key out of it.
    """

    key: str
    value: Any
    probe: Probe
    shows: Any = ANOTHER
    beside: Mapping[str, Any] = field(default_factory=dict)
    usual: Any = None

    def without(self, here: Here) -> RunConfig:
        """Return the configuration whose key is as usual."""
        settings = {name: made(value, here) for name, value in self.beside.items()}
        return configured(here, settings if self.usual is None else {**settings, self.key: made(self.usual, here)})

    def with_change(self, here: Here) -> RunConfig:
        """Return the same configuration with the changed value."""
        settings = {name: made(value, here) for name, value in self.beside.items()}
        return configured(here, {**settings, self.key: made(self.value, here)})


def made(value: Any, here: Here) -> Any:
    return value(here) if callable(value) else value


def configured(here: Here, settings: Mapping[str, Any]) -> RunConfig:
    """Return the small run on the tiny model with these dotted keys."""
    values = small_config(here.model).model_dump(exclude_unset=True)
    for name, value in settings.items():
        *sections, last = name.split(".")
        if isinstance(value, list) and sections and isinstance(value[0], dict):
            *sections, last = sections  # the key of an item: the value is the whole list
        place = values
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value
    return RunConfig.model_validate(values)


def trainer_of(config: RunConfig, here: Here, *, listener: Any = None) -> Any:
    """Return the trainer of a configuration, in a new run folder."""
    number = len(list(here.folder.iterdir()))
    trainer, *_ = small_trainer(config, here.folder / f"run-{number}", listener=listener or Notes(), weights=here.model)
    return trainer
