"""A model to ask: the newest checkpoint of a run, one checkpoint, a model's folder, or a model of the Hub."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from peft import PeftModel
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from leanrl.config.files.preset_file import read_preset_file
from leanrl.config.files.shipped import preset_folder
from leanrl.config.schema import ModelConfig, RunConfig
from leanrl.errors import ConfigError
from leanrl.models.adapters.fold import attach_adapter
from leanrl.models.asking import read_asking
from leanrl.models.chat_template import with_kept_template
from leanrl.models.load import causal_config, load_policy, load_tokenizer
from leanrl.models.locate import LocatedModel, locate_model
from leanrl.models.trained import ADAPTER_CONFIG, Checkpoint, TrainedAdapter, adapter_of, find_checkpoint, run_at
from leanrl.models.weights.compare import require_read_whole


@dataclass(frozen=True)
class FoundAnswerer:
    """What is to be asked, before its weights are loaded.

    `config` is that of its run, or what lies beside the weights, or the defaults. `model` says how `located` is loaded:
    the whole model, or the base of `adapter`. `served_dtype` are the numbers that the run computed in, or those of the
    files. `checkpoint` is None for a model of the Hub.
    """

    config: RunConfig
    model: ModelConfig
    located: LocatedModel
    served_dtype: str
    adapter: TrainedAdapter | None = None
    checkpoint: Checkpoint | None = None

    def load_tokenizer(self) -> PreTrainedTokenizerBase:
        run = None if self.checkpoint is None else self.checkpoint.run
        return load_tokenizer(with_kept_template(self.model, run), self.located)

    def load_model(self, *, dtype: str | None = None) -> PreTrainedModel | PeftModel:
        """Load the weights on the CPU, in the dtype of their files unless another is named.

        Raises:
            ConfigError: if they are damaged.
        """
        named = self.model if dtype is None else self.model.model_copy(update={"dtype": dtype})
        model = load_policy(named, self.located, device="cpu")
        if self.adapter is not None:
            return attach_adapter(model, self.adapter.folder)
        if self.checkpoint is not None and named.dtype == self.model.dtype:
            require_read_whole(model, self.checkpoint.folder)
        return model


@dataclass(frozen=True)
class Answerer:
    """A model with its tokenizer; `config` is that of its run, or what lies beside the weights, or the defaults."""

    model: PreTrainedModel | PeftModel
    tokenizer: PreTrainedTokenizerBase
    config: RunConfig


def load_answerer(source: Path, *, warn: Callable[[str], None] | None = None) -> Answerer:
    """Load what is to be asked, on the CPU; `warn` hears of newer checkpoints that are damaged and passed over.

    Raises:
        ConfigError: if `source` is neither a run, nor a checkpoint, nor a model, or its weights are damaged.
    """
    found = find_answerer(source, warn=warn)
    tokenizer = found.load_tokenizer()
    return Answerer(found.load_model(), tokenizer, found.config)


def find_answerer(source: Path, *, warn: Callable[[str], None] | None = None) -> FoundAnswerer:
    """Return what is to be asked, with its files on this machine and no weights in memory.

    Raises:
        ConfigError: if `source` is neither a run, nor a checkpoint, nor a model, or its weights are damaged.
    """
    is_one = any((source / name).is_file() for name in (ADAPTER_CONFIG, "config.json"))
    if run_at(source) is None and not is_one:
        raise ConfigError(
            f"{source} is no run folder, no checkpoint and no model's folder.", hint="`ls runs/` shows the runs here"
        )
    checkpoint = find_checkpoint(source, warn=warn)
    return _whole(checkpoint) if checkpoint.is_whole_model else _adapted(adapter_of(checkpoint))


def find_on_hub(model_id: str) -> FoundAnswerer:
    """Return a model of the Hub, fetched where its files are not here; a package that brings it is tried first.

    Raises:
        ConfigError: if it is no causal language model.
        MissingError: if it cannot be had.
    """
    named = ModelConfig(id=model_id, wheel=_carrying_wheel(model_id), tuning={"method": "full"})
    located = locate_model(named)
    dtype = _dtype_of(located)
    return FoundAnswerer(RunConfig(), named.model_copy(update={"dtype": dtype}), located, dtype)


def _adapted(trained: TrainedAdapter) -> FoundAnswerer:
    named = {"model": {"id": trained.lora.base_model_name_or_path, "revision": trained.lora.revision}}
    config = trained.config or RunConfig.model_validate(named)
    located = locate_model(config.model)
    if trained.config is not None:
        served = config.model.compute_dtype
        return FoundAnswerer(config, config.model, located, served, trained, trained.checkpoint)
    dtype = _dtype_of(located)  # without its run nothing else says in which numbers it was trained
    model = config.model.model_copy(update={"dtype": dtype})
    return FoundAnswerer(config, model, located, dtype, trained, trained.checkpoint)


def _whole(checkpoint: Checkpoint) -> FoundAnswerer:
    config = checkpoint.config or read_asking(checkpoint.folder)
    runs_code = config.model.trust_remote_code
    located = LocatedModel(str(checkpoint.folder), None, "folder", trust_remote_code=runs_code)
    # The weights are whole and in the dtype of their files, whatever they were trained with.
    named = ModelConfig(
        id=str(checkpoint.folder),
        dtype=_dtype_of(located),
        tuning={"method": "full"},
        trust_remote_code=runs_code,
        chat_template_kwargs=config.model.chat_template_kwargs,
    )
    served = named.dtype if checkpoint.config is None else checkpoint.config.model.compute_dtype
    return FoundAnswerer(config, named, located, served, checkpoint=checkpoint)


def _dtype_of(located: LocatedModel) -> str:
    dtype = str(causal_config(located).get_text_config().dtype)
    return "bfloat16" if dtype == "torch.bfloat16" else "float32"


def _carrying_wheel(model_id: str) -> str | None:
    """Return the package that a shipped preset names for a model, if any."""
    presets = (read_preset_file(file).get("model") or {} for file in sorted(preset_folder().glob("*.yaml")))
    return next((model["wheel"] for model in presets if model.get("wheel") and model.get("id") == model_id), None)
