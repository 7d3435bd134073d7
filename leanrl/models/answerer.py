"""A model to ask: the newest checkpoint of a run, one checkpoint, or a model's folder."""

from dataclasses import dataclass
from pathlib import Path

from peft import PeftModel
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from leanrl.config.load import load_config
from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError
from leanrl.hints import command
from leanrl.models.load import load_policy, load_tokenizer
from leanrl.models.locate import LocatedModel, locate_model
from leanrl.models.trained import find_adapter
from leanrl.run_folder import RunFolder


@dataclass(frozen=True)
class Answerer:
    """A model with its tokenizer; `config` is that of its run, or the defaults where it has none."""

    model: PreTrainedModel | PeftModel
    tokenizer: PreTrainedTokenizerBase
    config: RunConfig


def load_answerer(source: Path) -> Answerer:
    """Load what is to be asked, on the CPU.

    Raises:
        ConfigError: if `source` is neither a run, nor a checkpoint, nor a model.
    """
    run = RunFolder(source)
    if run.checkpoints.is_dir() and run.config.is_file():
        config = load_config(run.config).config
        if config.model.tuning.method == "full":
            checkpoints = run.complete_checkpoints()
            if not checkpoints:
                raise ConfigError(f"{source} has no complete checkpoint.", hint=command("train", "--resume", source))
            return _whole(checkpoints[-1], config)
        return _adapted(source)
    if (source / "adapter_config.json").is_file():
        return _adapted(source)
    if (source / "config.json").is_file():
        return _whole(source, RunConfig())
    raise ConfigError(
        f"{source} is no run folder, no checkpoint and no model's folder.", hint="`ls runs/` shows the runs here"
    )


def _adapted(source: Path) -> Answerer:
    trained = find_adapter(source)
    config = trained.config or RunConfig.model_validate(
        {"model": {"id": trained.lora.base_model_name_or_path, "revision": trained.lora.revision}}
    )
    located = locate_model(config.model)
    tokenizer = load_tokenizer(config.model, located)
    base = load_policy(config.model, located, device="cpu")
    return Answerer(PeftModel.from_pretrained(base, str(trained.folder)), tokenizer, config)


def _whole(folder: Path, config: RunConfig) -> Answerer:
    located = LocatedModel(path_or_id=str(folder), revision=None, source="folder")
    tokenizer = load_tokenizer(config.model, located)
    return Answerer(load_policy(config.model, located, device="cpu"), tokenizer, config)
