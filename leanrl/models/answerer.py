"""A model to ask: the newest checkpoint of a run, one checkpoint, or a model's folder."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from peft import PeftModel
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError
from leanrl.models.compare import require_read_whole
from leanrl.models.fold import attach_adapter
from leanrl.models.load import load_policy, load_tokenizer
from leanrl.models.locate import LocatedModel, locate_model
from leanrl.models.trained import ADAPTER_CONFIG, TrainedAdapter, adapter_of, find_checkpoint, run_at


@dataclass(frozen=True)
class Answerer:
    """A model with its tokenizer; `config` is that of its run, or the defaults where it has none."""

    model: PreTrainedModel | PeftModel
    tokenizer: PreTrainedTokenizerBase
    config: RunConfig


def load_answerer(source: Path, *, warn: Callable[[str], None] | None = None) -> Answerer:
    """Load what is to be asked, on the CPU; `warn` hears of newer checkpoints that are damaged and passed over.

    Raises:
        ConfigError: if `source` is neither a run, nor a checkpoint, nor a model, or its weights are damaged.
    """
    if run_at(source) is not None or (source / ADAPTER_CONFIG).is_file():
        checkpoint = find_checkpoint(source, warn=warn)
        if not checkpoint.is_whole_model:
            return _adapted(adapter_of(checkpoint))
        assert checkpoint.config is not None
        return _whole(checkpoint.folder, checkpoint.config)
    if (source / "config.json").is_file():
        find_checkpoint(source)
        return _whole(source, RunConfig())
    raise ConfigError(
        f"{source} is no run folder, no checkpoint and no model's folder.", hint="`ls runs/` shows the runs here"
    )


def _adapted(trained: TrainedAdapter) -> Answerer:
    config = trained.config or RunConfig.model_validate(
        {"model": {"id": trained.lora.base_model_name_or_path, "revision": trained.lora.revision}}
    )
    located = locate_model(config.model)
    tokenizer = load_tokenizer(config.model, located)
    base = load_policy(config.model, located, device="cpu")
    return Answerer(attach_adapter(base, trained.folder), tokenizer, config)


def _whole(folder: Path, config: RunConfig) -> Answerer:
    located = LocatedModel(str(folder), None, "folder", trust_remote_code=config.model.trust_remote_code)
    tokenizer = load_tokenizer(config.model, located)
    model = load_policy(config.model, located, device="cpu")
    require_read_whole(model, folder)
    return Answerer(model, tokenizer, config)
