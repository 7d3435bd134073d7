"""Keys of what is trained: where the model comes from, its dtypes, its template, its adapter."""

import shutil
from pathlib import Path
from typing import Any

import torch
from peft.tuners.lora import LoraLayer

from leanrl.config.schema import RunConfig
from leanrl.models.load import load_tokenizer, only_local
from leanrl.models.locate import locate_model
from leanrl.prompting.rendering import prompt_ids
from leanrl.seams.protocols import Draft
from leanrl.trainer.step.groups import Asked
from tests.felt.felt import Felt, Here, Probe, configured, trainer_of
from tests.felt.updates import argument

_ON_HUB = {"model.id": "owner/name"}
_THINKING = "{% if thinks %}<think>{% endif %}{{ messages[0]['content'] }}"


def located(config: RunConfig, here: Here) -> str:
    return Path(locate_model(config.model).path_or_id).name


def fetched_revision(config: RunConfig, here: Here) -> str | None:
    """Return the revision that the Hub is asked for."""
    asked: list[str | None] = []

    def snapshot(_: str, *, revision: str | None, **__: Any) -> str:
        asked.append(revision)
        return str(here.model)

    here.patch.setattr("leanrl.models.locate.snapshot_download", snapshot)
    locate_model(config.model)
    return asked[0]


def asked_wheel(config: RunConfig, here: Here) -> list[str]:
    asked: list[str] = []
    here.patch.setattr("leanrl.models.locate.find_wheel_model", asked.append)
    fetched_revision(config, here)
    return asked


def runs_foreign_code(config: RunConfig, here: Here) -> bool:
    return only_local(locate_model(config.model))["trust_remote_code"]


def bare(config: RunConfig, here: Here) -> Any:
    model = trainer_of(config, here).model
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def weight_dtype(config: RunConfig, here: Here) -> torch.dtype:
    return bare(config, here).get_input_embeddings().weight.dtype


def attention(config: RunConfig, here: Here) -> str:
    return bare(config, here).config._attn_implementation


def template(config: RunConfig, here: Here) -> str:
    return load_tokenizer(config.model, locate_model(config.model)).chat_template


def rendered(config: RunConfig, here: Here) -> str:
    """Return a prompt as TRL renders it."""
    trainer = trainer_of(config, here)
    trainer.processing_class.chat_template = _THINKING
    ids = prompt_ids(trainer.processing_class, [{"role": "user", "content": "1"}], trainer.chat_template_kwargs)
    return trainer.processing_class.decode(ids)


def template_file(here: Here) -> str:
    file = here.folder / "mine.jinja"
    file.write_text(_THINKING)
    return str(file)


def opened(config: RunConfig, here: Here) -> list[str]:
    """Return the tag that the grader sees before a completion of the first row."""
    trainer = trainer_of(config, here)
    asked = [Asked(0, "0", [1], [Draft()])]
    ((sample,),) = trainer.scorer._samples(asked, [[[5]]], 8)
    return [sample.opened_tag]


def copied_model(here: Here) -> str:
    return str(shutil.copytree(here.model, here.folder / "copied", dirs_exist_ok=True))


def adapted(read: Any) -> Probe:
    """Return what `read` finds in the first layer that has an adapter."""

    def probe(config: RunConfig, here: Here) -> Any:
        layers = [module for module in trainer_of(config, here).model.modules() if isinstance(module, LoraLayer)]
        return read(layers[0])

    return probe


def adapted_names(config: RunConfig, here: Here) -> list[str]:
    modules = trainer_of(config, here).model.named_modules()
    return sorted({name.rpartition(".")[2] for name, module in modules if isinstance(module, LoraLayer)})


def trains_the_base(config: RunConfig, here: Here) -> bool:
    return bare(config, here).get_input_embeddings().weight.requires_grad


def start_adapter(here: Here) -> str:
    """Save an adapter whose B is all ones, and return its folder."""
    folder = here.folder / "start"
    model = trainer_of(configured(here, {}), here).model
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.ones_(weight)
    model.save_pretrained(folder)
    return str(folder)


# Rank 4 and alpha 128: the scale is 32.
FELT = [
    Felt("model.id", copied_model, located, "copied"),
    Felt("model.revision", "v1", fetched_revision, "v1", beside=_ON_HUB),
    Felt("model.wheel", "my-wheel", asked_wheel, ["my-wheel"], beside=_ON_HUB),
    Felt("model.trust_remote_code", True, runs_foreign_code, True),
    Felt("model.dtype", "bfloat16", weight_dtype, torch.bfloat16, beside={"model.compute_dtype": "bfloat16"}),
    Felt("model.compute_dtype", "bfloat16", argument("bf16"), True),
    Felt("model.attention", "eager", attention, "eager", beside={"train.pack_rows": "never"}),
    Felt("model.chat_template", template_file, template, _THINKING),
    Felt("model.chat_template_kwargs", {"thinks": True}, rendered, "<think>1"),
    Felt("model.thinking_tag", "<thought>", opened, ["<thought>"]),
    Felt("model.tuning.method", "full", trains_the_base, True),
    Felt("model.tuning.rank", 2, adapted(lambda layer: layer.lora_A["default"].weight.shape[0]), 2),
    Felt("model.tuning.alpha", 8.0, adapted(lambda layer: layer.scaling["default"]), 2.0),
    Felt("model.tuning.alpha_ratio", 3.0, adapted(lambda layer: layer.scaling["default"]), 3.0),
    Felt("model.tuning.rslora", True, adapted(lambda layer: layer.scaling["default"]), 64.0),
    Felt("model.tuning.dropout", 0.25, adapted(lambda layer: getattr(layer.lora_dropout["default"], "p", 0.0)), 0.25),
    Felt("model.tuning.targets", ["q_proj", "up_proj"], adapted_names, ["q_proj", "up_proj"]),
    Felt("model.tuning.init", "gaussian", adapted(lambda layer: layer.lora_A["default"].weight.flatten()[0].item())),
    Felt(
        "model.tuning.adapter_dtype",
        "bfloat16",
        adapted(lambda layer: layer.lora_A["default"].weight.dtype),
        torch.bfloat16,
    ),
    Felt(
        "model.tuning.start_adapter",
        start_adapter,
        adapted(lambda layer: layer.lora_B["default"].weight.mean().item()),
        1.0,
    ),
]
