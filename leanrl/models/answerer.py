"""A model to ask: the newest checkpoint of a run, one checkpoint, or a model's folder."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from peft import PeftModel
from transformers import PreTrainedModel, PreTrainedTokenizerBase

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
    is_one = any((source / name).is_file() for name in (ADAPTER_CONFIG, "config.json"))
    if run_at(source) is None and not is_one:
        raise ConfigError(
            f"{source} is no run folder, no checkpoint and no model's folder.", hint="`ls runs/` shows the runs here"
        )
    checkpoint = find_checkpoint(source, warn=warn)
    return _whole(checkpoint) if checkpoint.is_whole_model else _adapted(adapter_of(checkpoint))


def _adapted(trained: TrainedAdapter) -> Answerer:
    named = {"model": {"id": trained.lora.base_model_name_or_path, "revision": trained.lora.revision}}
    config = trained.config or RunConfig.model_validate(named)
    located = locate_model(config.model)
    tokenizer = load_tokenizer(with_kept_template(config.model, trained.run), located)
    base = load_policy(config.model, located, device="cpu")
    return Answerer(attach_adapter(base, trained.folder), tokenizer, config)


def _whole(checkpoint: Checkpoint) -> Answerer:
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
    tokenizer = load_tokenizer(with_kept_template(named, checkpoint.run), located)
    model = load_policy(named, located, device="cpu")
    require_read_whole(model, checkpoint.folder)
    return Answerer(model, tokenizer, config)


def _dtype_of(located: LocatedModel) -> str:
    dtype = str(causal_config(located).get_text_config().dtype)
    return "bfloat16" if dtype == "torch.bfloat16" else "float32"
