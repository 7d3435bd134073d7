"""A model merged from a base and the adapter that a run has trained, or copied where all weights were trained."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, PreTrainedConfig, PreTrainedTokenizerBase

from leanrl.config.schema import ModelConfig
from leanrl.errors import ConfigError
from leanrl.models.asking import write_asking
from leanrl.models.cards.card import CardFacts, model_card
from leanrl.models.chat_template import with_kept_template
from leanrl.models.gguf.export import Export, finish_export, plan_export, write_modelfile
from leanrl.models.gguf.file import GgufReport, verify_gguf, write_gguf
from leanrl.models.load import load_as_saved, load_tokenizer, only_local
from leanrl.models.locate import LocatedModel, locate_model
from leanrl.models.merging.beside import written_beside
from leanrl.models.merging.choices import BaseKind, MergeChoices, checked
from leanrl.models.merging.origin import Origin, origin_of, read_origin, write_origin
from leanrl.models.merging.publish import HubTarget, check_target, push_folder
from leanrl.models.merging.verify import Verification
from leanrl.models.merging.weights import Distance, Merged, write_copy, write_merged, write_merged_qlora
from leanrl.models.trained import Checkpoint, TrainedAdapter, adapter_of, find_checkpoint
from leanrl.models.weights.nf4 import is_quantised
from leanrl.storage.run_folder import read_json_if_whole

Say = Callable[[str], None]


# Returns the Hub's model-index of a title, a run folder and a step: the scores of that checkpoint's evaluations.
ModelIndex = Callable[[str, Path, int], Sequence[Mapping[str, Any]]]


def _not_evaluated(title: str, run: Path, step: int) -> Sequence[Mapping[str, Any]]:
    """Return no scores."""
    return ()


def _to_nobody(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class MergeReport:
    """What a merge has made; `verification` is None where only the push of an earlier merge was left to do."""

    out: Path
    origin: Origin
    num_modules: int
    verification: Verification | None
    from_trained: dict[BaseKind, Distance] = field(default_factory=dict)
    gguf: GgufReport | None = None
    pushed_to: str | None = None
    export_lines: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the report as lines for a person."""
        lines = [*self._made(), f"model: {self.out}"]
        return "\n".join(lines if self.pushed_to is None else [*lines, f"pushed: {self.pushed_to}"])

    def _made(self) -> list[str]:
        origin, verification = self.origin, self.verification
        if verification is None:
            return [f"{self.out} holds this merge already, verified when it was made"]
        lines = [f"verified: {verification.text()}", *self._distances()]
        if origin.method == "full":
            lines.insert(
                0, f"copied {origin.checkpoint}, {origin.dtype}: all weights were trained, so there is nothing to fold"
            )
        else:
            into = f"{origin.base} ({origin.base_kind})" if origin.method == "qlora" else origin.base
            modules = f"{self.num_modules} modules, {origin.dtype}"
            lines.insert(0, f"merged {origin.checkpoint} into {into}: {modules}")
        # A tenth is where it begins to matter to somebody who compares scores.
        if verification.rounding_share > 0.1:
            lines.append(
                f"warning: rounding to {origin.dtype} moves log-probs {verification.rounding_share:.0%} as far as "
                "the adapter does; `--dtype float32` rounds nothing"
            )
        if self.gguf is not None:
            lines.append(f"GGUF: {self.gguf.text()}")
        return [*lines, *self.export_lines]

    def _distances(self) -> list[str]:
        return [
            f"from the policy as trained (on NF4, in bf16), the adapter on the {kind} base is {distance.text()}"
            for kind, distance in sorted(self.from_trained.items(), reverse=True)
        ]


def merge_run(
    source: Path,
    out: Path,
    *,
    say: Say = _to_nobody,
    warn: Say | None = None,
    model_index: ModelIndex = _not_evaluated,
    **chosen: Any,
) -> MergeReport:
    """Fold an adapter into its base, verify the result against base + adapter, and write it to `out`.

    Everything that can be refused is refused before a weight is read. The model is written beside `out` and
    renamed once it is verified; what fails leaves nothing. If `out` holds this very merge already, made by an
    earlier call whose push failed, only the push is done.

    Args:
        source: a run folder (its newest whole checkpoint is taken) or the folder of an adapter.
        out: a folder that does not exist yet.
        say: hears what is being done, for it takes minutes.
        warn: hears of newer checkpoints that are damaged and passed over.
        model_index: gives the scores that the model card shows.
        chosen: the fields of MergeChoices.

    Raises:
        ConfigError: if `out` exists, or the choices do not go together with what was trained.
        MissingError: if the base, or the login that `push` needs, cannot be had.
        DoesNotFitError: if the disk is too small.
        LeanRLError: if the merged model differs from base + adapter, or the Hub does not take it.
    """
    choices = checked(MergeChoices(**chosen))
    checkpoint = find_checkpoint(source, adapter=choices.adapter, warn=warn)
    trained = None if checkpoint.is_whole_model else adapter_of(checkpoint, name=choices.adapter)
    base = _base_of(checkpoint, trained)
    origin = origin_of(checkpoint, trained, base, dtype=choices.dtype, base_kind=choices.base, gguf=choices.gguf)
    is_made = out.exists() and choices.push is not None and read_origin(out) == origin
    if out.exists() and not is_made:
        raise ConfigError(f"--out is {out}, which exists already; nothing is written over.", hint="--out NEW_FOLDER")
    target = _target(choices, origin)
    if is_made:
        report = MergeReport(out=out, origin=origin, num_modules=0, verification=None)
    else:
        report = _merge(checkpoint, trained, base, origin, out, say=say, model_index=model_index)
    return report if target is None else _pushed(report, target)


def _base_of(checkpoint: Checkpoint, trained: TrainedAdapter | None) -> ModelConfig:
    """Return the base as the run's config names it, or as the adapter does where there is no run."""
    if checkpoint.config is not None:
        return checkpoint.config.model
    if trained is None:
        return ModelConfig(id=str(checkpoint.folder))
    named = trained.lora.base_model_name_or_path
    if not named:
        raise ConfigError(
            f"{trained.folder} does not say which base it belongs to.",
            hint="write base_model_name_or_path into its adapter_config.json",
        )
    return ModelConfig(id=named, revision=trained.lora.revision)


def _target(choices: MergeChoices, origin: Origin) -> HubTarget | None:
    if choices.push is None:
        return None
    return check_target(choices.push, private=choices.private, origin=origin, replace=choices.replace)


def _merge(
    checkpoint: Checkpoint,
    trained: TrainedAdapter | None,
    base: ModelConfig,
    origin: Origin,
    out: Path,
    *,
    say: Say,
    model_index: ModelIndex,
) -> MergeReport:
    whole = LocatedModel(str(checkpoint.folder), None, "folder", trust_remote_code=base.trust_remote_code)
    located = whole if trained is None else locate_model(base)
    tokenizer = _tokenizer(checkpoint, base, located)
    config = _checked_config(located, origin)
    export = None if origin.gguf is None else plan_export(origin.gguf, config, tokenizer, out=out)
    with written_beside(out, say=say) as beside:
        merged = _write(trained, base, located, tokenizer, origin, beside, say=say)
        gguf = None
        if export is not None:
            gguf = _write_gguf(beside, export, tokenizer, merged, say=say)
            write_modelfile(beside, export, tokenizer, checkpoint.config)
        report = MergeReport(out, origin, merged.num_modules, merged.verification, merged.from_trained, gguf)
        write_origin(origin, beside)
        if checkpoint.config is not None:
            write_asking(checkpoint.config, beside)
        card = _card(report, checkpoint, trained, located, model_index=model_index)
        (beside / "README.md").write_text(card, encoding="utf-8")
    return report if export is None else replace(report, export_lines=finish_export(export, out, say=say))


def _checked_config(located: LocatedModel, origin: Origin) -> PreTrainedConfig:
    config = AutoConfig.from_pretrained(located.path_or_id, **only_local(located))
    if origin.base_kind == "dequantised" and origin.method in ("full", "lora"):
        raise ConfigError(
            f"--base is dequantised, and {origin.checkpoint} was trained on 16-bit weights ({origin.method}).",
            hint="leave --base out",
        )
    if origin.base_kind == "original" and is_quantised(config):
        raise ConfigError(
            f"{origin.base} is quantised itself: there is no 16-bit original to fold into.",
            hint="--base dequantised",
        )
    return config


def _write(
    trained: TrainedAdapter | None,
    base: ModelConfig,
    located: LocatedModel,
    tokenizer: PreTrainedTokenizerBase,
    origin: Origin,
    folder: Path,
    *,
    say: Say,
) -> Merged:
    dtype = getattr(torch, origin.dtype)
    if trained is None:
        return write_copy(located, tokenizer, folder, dtype=dtype, say=say)
    if origin.method == "qlora" or origin.base_kind == "dequantised":
        return write_merged_qlora(
            trained.folder, located, tokenizer, folder, kind=origin.base_kind, dtype=dtype, say=say
        )
    # First the dtype that the adapter was trained on, then fp32: the sum starts from the same weights.
    held = "auto" if trained.config is None else getattr(torch, base.dtype)
    return write_merged(trained.folder, located, tokenizer, folder, held=held, dtype=dtype, say=say)


def _write_gguf(
    folder: Path, export: Export, tokenizer: PreTrainedTokenizerBase, merged: Merged, *, say: Say
) -> GgufReport | None:
    """Write the file with leanrl's own writer where that is the way, and read it back."""
    if export.way != "own":
        return None
    say(f"writing {export.file} and reading it back")
    written = LocatedModel(path_or_id=str(folder), revision=None, source="folder")
    model = load_as_saved(written, dtype=torch.float32)
    write_gguf(model, tokenizer, folder / export.file, kind=export.kind)
    return verify_gguf(model, folder / export.file, merged.texts, kind=export.kind)


def _pushed(report: MergeReport, target: HubTarget) -> MergeReport:
    return MergeReport(**{**vars(report), "pushed_to": push_folder(report.out, target)})


def _tokenizer(checkpoint: Checkpoint, base: ModelConfig, located: LocatedModel) -> PreTrainedTokenizerBase:
    """Return the tokenizer that was saved with the checkpoint, or the base's where none was."""
    if not (checkpoint.folder / "tokenizer_config.json").is_file():
        return load_tokenizer(with_kept_template(base, checkpoint.run), located)
    saved = LocatedModel(str(checkpoint.folder), None, "folder", trust_remote_code=base.trust_remote_code)
    return load_tokenizer(base.model_copy(update={"chat_template": None}), saved)


def _card(
    report: MergeReport,
    checkpoint: Checkpoint,
    trained: TrainedAdapter | None,
    located: LocatedModel,
    *,
    model_index: ModelIndex,
) -> str:
    run, step = checkpoint.run, checkpoint.step
    scores = () if run is None or step is None else model_index(report.out.name, run.path, step)
    lora = None if trained is None else {"rank": trained.lora.r, "alpha": trained.lora.lora_alpha}
    return model_card(
        CardFacts(
            title=report.out.name,
            origin=report.origin,
            located=located,
            lora=lora,
            verification=report.verification,
            distances={kind: distance.text() for kind, distance in report.from_trained.items()},
            gguf=None if report.gguf is None else report.gguf.text(),
            run=run,
            config=checkpoint.config,
            environment=None if run is None else read_json_if_whole(run.env),
            summary=None if run is None else read_json_if_whole(run.summary),
            model_index=scores,
        )
    )
