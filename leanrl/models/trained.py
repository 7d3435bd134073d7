"""The adapter that a run has trained: where it lies, and which run it came from."""

from dataclasses import dataclass
from pathlib import Path

from peft import LoraConfig, PeftConfig

from leanrl.config.load import load_config
from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError
from leanrl.run_folder import COMPLETE, RunFolder

_ADAPTER_CONFIG = "adapter_config.json"
_ADAPTER_WEIGHTS = "adapter_model.safetensors"


@dataclass(frozen=True)
class TrainedAdapter:
    """A folder with a LoRA adapter; `run` and `config` are None where it does not lie in a run folder."""

    folder: Path
    lora: LoraConfig
    run: RunFolder | None
    config: RunConfig | None

    @property
    def step(self) -> int | None:
        number = self.folder.name.removeprefix("step-")
        return int(number) if number.isdigit() else None


def find_adapter(source: Path) -> TrainedAdapter:
    """Return the adapter of a checkpoint folder, or of the newest complete checkpoint of a run folder.

    Raises:
        ConfigError: if there is none, if it was not written to its end, or if it is more than a plain LoRA.
    """
    if (source / "config.json").is_file() and (source / "checkpoints").is_dir():
        run = RunFolder(source)
        folder = _newest(run)
    else:
        run = _run_around(source)
        folder = source
    _require_adapter(folder, run)
    config = None if run is None else load_config(run.config).config
    return TrainedAdapter(folder=folder, lora=_plain_lora(folder), run=run, config=config)


def _newest(run: RunFolder) -> Path:
    checkpoints = run.complete_checkpoints()
    if not checkpoints:
        raise ConfigError(
            f"{run.path} has no complete checkpoint.",
            hint=f"`leanrl train --resume {run.path}` goes on until there is one",
        )
    return checkpoints[-1]


def _run_around(folder: Path) -> RunFolder | None:
    absolute = folder.resolve()
    run = RunFolder(absolute.parent.parent)
    return run if absolute.parent == run.checkpoints and run.config.is_file() else None


def _require_adapter(folder: Path, run: RunFolder | None) -> None:
    if not folder.is_dir():
        raise ConfigError(f"{folder} is not there.", hint="`ls runs/` shows the runs here")
    if run is not None and not (folder / COMPLETE).is_file():
        raise ConfigError(
            f"{folder} was not written to its end: it has no {COMPLETE}.",
            hint=f"`leanrl merge {run.path} --out DIR` takes the newest complete checkpoint",
        )
    lacking = [name for name in (_ADAPTER_CONFIG, _ADAPTER_WEIGHTS) if not (folder / name).is_file()]
    if lacking and (folder / "config.json").is_file():
        raise ConfigError(
            f"{folder} holds a whole model: all of its weights were trained, so there is nothing to fold.",
            hint=f"use it as it is, with -s model.id={folder}",
        )
    if lacking:
        raise ConfigError(
            f"{folder} holds no adapter: {' and '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} not there.",
            hint="name a run folder, or one of its checkpoints/step-*",
        )


def _plain_lora(folder: Path) -> LoraConfig:
    """Read the adapter's config; what a fold by W + scale * B A would leave out is refused by name."""
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
            f"{folder / _ADAPTER_CONFIG} has {', '.join(used)}; leanrl folds plain LoRA.",
            hint="merge it with the library that made it",
        )
    return lora
