"""What a run has trained: a checkpoint, and the adapter or the whole model in it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from peft import LoraConfig, PeftConfig

from leanrl.config.load import load_run_config
from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError
from leanrl.hints import command, quoted, setting
from leanrl.storage.checkpoint_files import COMPLETE, find_damage, newest_whole, to_read
from leanrl.storage.home import require_folder
from leanrl.storage.run_folder import RunFolder, read_json

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """A folder with what was trained; `run` and `config` are None where it does not lie in a run folder."""

    folder: Path
    run: RunFolder | None
    config: RunConfig | None

    @property
    def step(self) -> int | None:
        number = self.folder.resolve().name.removeprefix("step-")
        return int(number) if number.isdigit() else None

    @property
    def is_whole_model(self) -> bool:
        """Whether all weights were trained: there is a model, and no adapter."""
        return (self.folder / "config.json").is_file() and not adapter_names(self.folder)


@dataclass(frozen=True)
class TrainedAdapter:
    """A LoRA adapter in a checkpoint; `folder` is the adapter's own, which lies deeper where there are several."""

    folder: Path
    lora: LoraConfig
    checkpoint: Checkpoint

    @property
    def run(self) -> RunFolder | None:
        return self.checkpoint.run

    @property
    def config(self) -> RunConfig | None:
        return self.checkpoint.config

    @property
    def step(self) -> int | None:
        return self.checkpoint.step


def find_checkpoint(
    source: Path, *, adapter: str | None = None, warn: Callable[[str], None] | None = None
) -> Checkpoint:
    """Return a checkpoint folder, or the newest whole checkpoint of a run folder.

    Args:
        source: either of them.
        adapter: which of several adapters is meant: the files of the others may be damaged.
        warn: hears of newer checkpoints of a run that are damaged and passed over.

    Raises:
        ConfigError: if there is none, or it was not written to its end, or its weights are damaged.
    """
    require_folder(source)
    damage_of = partial(find_damage, need=partial(to_read, adapter=adapter))
    run = run_at(source)
    if run is not None:
        folder, passed_over = _newest(run, damage_of)
        for line in passed_over if warn is not None else []:
            warn(line)
    else:
        folder, run = source, run_around(source)
        _require_whole(folder, run, damage_of)
    return Checkpoint(folder=folder, run=run, config=None if run is None else load_run_config(run.config))


def find_adapter(source: Path, *, name: str | None = None) -> TrainedAdapter:
    """Return the adapter of a checkpoint or of a run's newest whole one; `name` picks one of several.

    Raises:
        ConfigError: as `find_checkpoint` and `adapter_of`.
    """
    return adapter_of(find_checkpoint(source, adapter=name), name=name)


def adapter_of(checkpoint: Checkpoint, *, name: str | None = None) -> TrainedAdapter:
    """Return the adapter of a checkpoint; `name` picks one of several.

    Raises:
        ConfigError: if there is none, or if it is more than a plain LoRA.
    """
    if checkpoint.is_whole_model:
        raise ConfigError(
            f"{checkpoint.folder} holds a whole model: all of its weights were trained, so there is no adapter.",
            hint=f"use it as it is, with {setting('model.id', checkpoint.folder)}",
        )
    folder = _pick(checkpoint.folder, name)
    lacking = [file for file in (ADAPTER_CONFIG, ADAPTER_WEIGHTS) if not (folder / file).is_file()]
    if lacking:
        raise ConfigError(
            f"{folder} holds no adapter: {' and '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} not there.",
            hint="name a run folder, or one of its checkpoints/step-*",
        )
    return TrainedAdapter(folder=folder, lora=_plain_lora(folder), checkpoint=checkpoint)


def adapter_names(folder: Path) -> dict[str, Path]:
    """Return the folders of a checkpoint's adapters by name; PEFT keeps `default` in the checkpoint itself."""
    named = {path.parent.name: path.parent for path in sorted(folder.glob(f"*/{ADAPTER_CONFIG}"))}
    return {"default": folder, **named} if (folder / ADAPTER_CONFIG).is_file() else named


def run_at(folder: Path) -> RunFolder | None:
    """Return the run that a folder is, or whose checkpoints it holds."""
    run = RunFolder(folder)
    if folder.resolve() == RunFolder(folder.resolve().parent).checkpoints:
        run = RunFolder(folder.resolve().parent)
    return run if run.is_begun else None


def run_around(folder: Path) -> RunFolder | None:
    """Return the run that a checkpoint folder lies in."""
    absolute = folder.resolve()
    run = RunFolder(absolute.parent.parent)
    return run if absolute.parent == run.checkpoints and run.config.is_file() else None


def _newest(run: RunFolder, damage_of: Callable[[Path], list[str]]) -> tuple[Path, list[str]]:
    checkpoints = run.complete_checkpoints()
    hint = f"`{command('train', '--resume', run.path)}` goes on until there is one"
    if not checkpoints:
        raise ConfigError(f"{run.path} has no complete checkpoint.", hint=hint)
    return newest_whole(checkpoints, damage_of, where=run.path, hint=f"start anew with `{run.start_anew()}`")


def _require_whole(folder: Path, run: RunFolder | None, damage_of: Callable[[Path], list[str]]) -> None:
    hint = None if run is None else f"`{command('merge', run.path, '--out', 'DIR')}` takes the newest whole checkpoint"
    if run is not None and not (folder / COMPLETE).is_file():
        raise ConfigError(f"{folder} was not written to its end: it has no {COMPLETE}.", hint=hint)
    damage = damage_of(folder)
    if damage:
        raise ConfigError(
            f"{folder} is damaged: {'; '.join(damage)}.",
            hint=hint or "take another checkpoint; `leanrl merge RUN --inspect` tells which are whole",
        )


def _pick(folder: Path, name: str | None) -> Path:
    there = adapter_names(folder)
    if name is not None and name not in there:
        raise ConfigError(
            f"--adapter is {name}, and {folder} holds {', '.join(there) or 'no adapter'}.",
            hint=f"--adapter {quoted(next(iter(there)))}"
            if there
            else "name a run folder, or one of its checkpoints/step-*",
        )
    if name is None and len(there) > 1 and "default" not in there:
        several = ", ".join(there)
        raise ConfigError(f"{folder} holds several adapters: {several}.", hint=f"--adapter {quoted(next(iter(there)))}")
    return there.get(name or "default") or next(iter(there.values()), folder)


def _plain_lora(folder: Path) -> LoraConfig:
    """Read the adapter's config; what a fold by W + scale * B A would leave out is refused by name."""
    file = folder / ADAPTER_CONFIG
    if "peft_type" not in read_json(file):
        raise ConfigError(
            f"{file} names no peft_type: it is no adapter's, or was cut off.",
            hint="take an earlier checkpoint; `leanrl merge RUN --inspect` tells which",
        )
    lora = PeftConfig.from_pretrained(str(folder))
    if not isinstance(lora, LoraConfig):
        raise ConfigError(
            f"{folder} holds an adapter of type {lora.peft_type}; leanrl folds LoRA.",
            hint="merge it with the library that made it",
        )
    extras = {
        "use_dora": lora.use_dora,
        "lora_bias": lora.lora_bias,
        f"bias={lora.bias}": lora.bias != "none",
        "modules_to_save": bool(lora.modules_to_save),
        "trainable_token_indices": bool(lora.trainable_token_indices),
        "layer_replication": bool(lora.layer_replication),
    }
    used = [name for name, is_used in extras.items() if is_used]
    if used:
        raise ConfigError(
            f"{folder / ADAPTER_CONFIG} has {', '.join(used)}; leanrl folds plain LoRA.",
            hint="merge it with the library that made it",
        )
    return lora
