"""Changes of a config that make a run fit, as command-line flags."""

from dataclasses import dataclass
from typing import Any

from leanrl.config.checks.check import find_contradictions
from leanrl.config.checks.support import not_in_this_version
from leanrl.config.schema import ReferenceDevice, RunConfig
from leanrl.errors import Problem
from leanrl.hints import setting

Changes = dict[str, Any]

# Keys whose change makes it another run, by what changes.
_OTHER_RUN = {
    "model.tuning.method": "other weights are trained",
    "train.num_prompts": "fewer prompts a step",
    "train.num_completions": "fewer completions of a prompt",
    "rollout.max_completion_tokens": "shorter completions",
}


@dataclass(frozen=True)
class Fix:
    """Changes that make a run fit."""

    changes: Changes

    @property
    def flags(self) -> str:
        """The `-s` flags that make the changes."""
        return as_flags(self.changes)

    @property
    def changes_run(self) -> str | None:
        """What makes it another run; None where prompts, completions and trained weights stay."""
        return ", ".join(what for key, what in _OTHER_RUN.items() if key in self.changes) or None

    @property
    def line(self) -> str:
        """The flags, and a remark where they make it another run or a slow one."""
        remarks = [] if self.changes_run is None else [f"changes the run: {self.changes_run}"]
        if self.changes.get("rollout.engine") == "hf":
            remarks.append("slow: model.generate in place of vLLM")
        return f"{self.flags}  ({'; '.join(remarks)})" if remarks else self.flags


def with_changes(config: RunConfig, changes: Changes) -> RunConfig:
    """Return the config with values replaced by dotted key."""
    values = config.model_dump()
    for key, value in changes.items():
        *sections, name = key.split(".")
        section = values
        for part in sections:
            section = section[part]
        section[name] = value
    return RunConfig.model_validate(values)


def away_from_training(config: RunConfig) -> ReferenceDevice:
    """Return the next place for a reference that shall not lie where the run trains."""
    return "disk" if config.hardware.is_cpu else "host"


def as_flags(changes: Changes) -> str:
    return " ".join(setting(key, value) for key, value in changes.items())


def changes_only(config: RunConfig, changes: Changes) -> Changes:
    """Return the changes that differ from what the config has."""
    values = config.model_dump()
    return {key: value for key, value in changes.items() if _value(values, key) != value}


def is_refused(config: RunConfig, changes: Changes) -> bool:
    """Whether `leanrl train` would refuse the changes: for a contradiction, or for what this version does not have.

    What it refuses of the config itself does not count.
    """
    return bool(new_refusals(config, changes))


def new_refusals(config: RunConfig, changes: Changes) -> list[Problem]:
    """Return what `leanrl train` would refuse of the changes, and does not refuse of the config itself."""
    before = _refusals(config)
    return [problem for problem in _refusals(with_changes(config, changes)) if problem not in before]


def _refusals(config: RunConfig) -> list[Problem]:
    return [*find_contradictions(config), *not_in_this_version(config)]


def _value(values: Any, key: str) -> Any:
    for part in key.split("."):
        values = values[part]
    return values


def micro_batch_changes(config: RunConfig, size: int) -> Changes:
    """Return what makes a micro-batch hold `size` completions of full length."""
    if config.train.max_tokens_per_micro_batch is None:
        return {"train.micro_batch_completions": size}
    row_tokens = config.rollout.max_prompt_tokens + config.rollout.max_completion_tokens
    return {"train.max_tokens_per_micro_batch": size * row_tokens}
