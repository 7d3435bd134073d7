"""A model merged from a base and the adapter that a run has trained."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from leanrl.config.schema import ModelConfig
from leanrl.errors import ConfigError, DoesNotFitError
from leanrl.models.card import CardFacts, model_card, name_of_base
from leanrl.models.fold import attach_adapter, fold_adapter
from leanrl.models.load import load_as_saved, load_tokenizer
from leanrl.models.locate import LocatedModel, locate_model
from leanrl.models.publish import check_target, push_folder
from leanrl.models.trained import TrainedAdapter, find_adapter
from leanrl.models.verify import Verification, sample_texts, token_logprobs, verify
from leanrl.run_folder import read_json

DTYPES = ("bfloat16", "float16", "float32")

# Which texts the verification samples is fixed, so that merging twice says the same twice.
_SEED = 0


@dataclass(frozen=True)
class MergeReport:
    """What a merge has made."""

    out: Path
    base: str
    checkpoint: str
    dtype: str
    num_modules: int
    verification: Verification
    pushed_to: str | None

    def text(self) -> str:
        """Return the report as lines for a person."""
        lines = [
            f"merged {self.checkpoint} into {self.base}: {self.num_modules} modules, {self.dtype}",
            f"verified: {self.verification.text()}",
            f"model: {self.out}",
        ]
        # A tenth is where it begins to matter to somebody who compares scores.
        if self.verification.rounding_share > 0.1:
            lines.insert(
                2,
                f"warning: rounding to {self.dtype} moves log-probs {self.verification.rounding_share:.0%} as far as "
                "the adapter does; `--dtype float32` rounds nothing",
            )
        return "\n".join(lines if self.pushed_to is None else [*lines, f"pushed: {self.pushed_to}"])


def merge_run(
    source: Path, out: Path, *, dtype: str = "bfloat16", push: str | None = None, private: bool = True
) -> MergeReport:
    """Fold an adapter into its base, verify the result against base + adapter, and write it to `out`.

    Everything that can be refused is refused before a weight is read. The model is written beside `out` and
    renamed once it is verified; what fails leaves nothing.

    Args:
        source: a run folder (its newest complete checkpoint is taken) or the folder of an adapter.
        out: a folder that does not exist yet.
        dtype: dtype of the saved weights; the fold itself is fp32.
        push: a Hub repository that receives the model, with the user's own login.
        private: whether a repository that is created is private.

    Raises:
        ConfigError: if there is nothing to fold, or `out` exists.
        MissingError: if the base, or the login that `push` needs, cannot be had.
        DoesNotFitError: if the disk is too small.
        LeanRLError: if the merged model differs from base + adapter, or the Hub does not take it.
    """
    _check_choices(out, dtype)
    trained = find_adapter(source)
    target = None if push is None else check_target(push, private=private)
    base = _base_of(trained)
    located = locate_model(base)
    with _written_beside(out) as beside:
        num_modules, verification = _write_verified(trained, base, located, beside, dtype=getattr(torch, dtype))
        card = _card(trained, base, located, verification, title=out.name, dtype=dtype)
        (beside / "README.md").write_text(card, encoding="utf-8")
    return MergeReport(
        out=out,
        base=base.id or str(base.wheel),
        checkpoint=trained.folder.name,
        dtype=dtype,
        num_modules=num_modules,
        verification=verification,
        pushed_to=None if target is None else push_folder(out, target),
    )


def _check_choices(out: Path, dtype: str) -> None:
    if dtype not in DTYPES:
        raise ConfigError(f"--dtype is {dtype}, which is none of {', '.join(DTYPES)}.", hint="--dtype bfloat16")
    if out.exists():
        raise ConfigError(f"--out is {out}, which exists already; nothing is written over.", hint="--out NEW_FOLDER")


def _base_of(trained: TrainedAdapter) -> ModelConfig:
    """Return the base as the run's config names it, or as the adapter does where there is no run."""
    if trained.config is not None:
        if trained.config.model.tuning.method == "qlora":
            raise ConfigError(f"{trained.folder} was trained on an NF4 base, which this version does not merge into.")
        return trained.config.model
    named = trained.lora.base_model_name_or_path
    if not named:
        raise ConfigError(
            f"{trained.folder} does not say which base it belongs to.",
            hint="write base_model_name_or_path into its adapter_config.json",
        )
    return ModelConfig(id=named, revision=trained.lora.revision)


@contextmanager
def _written_beside(out: Path) -> Iterator[Path]:
    """Give a folder beside `out` to fill; it takes that name once the block ends well, and is gone otherwise."""
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".partial", dir=out.parent))
    try:
        yield beside
        beside.chmod(0o755)  # mkdtemp gives a folder that only its owner may enter
        if out.exists():
            raise ConfigError(f"{out} was created meanwhile; nothing is written over.", hint="--out NEW_FOLDER")
        beside.rename(out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _write_verified(
    trained: TrainedAdapter, base: ModelConfig, located: LocatedModel, folder: Path, *, dtype: torch.dtype
) -> tuple[int, Verification]:
    """Write the merged model to `folder`; return how many modules were folded, and how the files compare."""
    tokenizer = _tokenizer(trained, base, located)
    # First the dtype that the adapter was trained on, then fp32: the sum starts from the same weights.
    held = "auto" if trained.config is None else getattr(torch, base.dtype)
    start = load_as_saved(located, dtype=held).float()
    _require_room(folder, start, dtype)
    policy = attach_adapter(start, trained.folder)
    texts = sample_texts(policy, tokenizer, seed=_SEED)
    with policy.disable_adapter():
        of_base = token_logprobs(policy, texts)
    of_adapter = token_logprobs(policy, texts)
    model, num_modules = fold_adapter(policy)
    of_fold = token_logprobs(model, texts)
    _cast_weights(model, dtype)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _cast_weights(model, torch.float32)
    of_rounded = token_logprobs(model, texts)
    del start, policy, model
    written = LocatedModel(path_or_id=str(folder), revision=None, source="folder")
    of_files = token_logprobs(load_as_saved(written, dtype=torch.float32), texts)
    return num_modules, verify(
        merged=of_files,
        adapter=of_adapter,
        base=of_base,
        folded=of_fold,
        rounded=of_rounded,
        num_texts=len(texts),
    )


def _tokenizer(trained: TrainedAdapter, base: ModelConfig, located: LocatedModel) -> PreTrainedTokenizerBase:
    """Return the tokenizer that was saved with the adapter, or the base's where none was."""
    if not (trained.folder / "tokenizer_config.json").is_file():
        return load_tokenizer(base, located)
    saved = LocatedModel(path_or_id=str(trained.folder), revision=None, source="folder")
    return load_tokenizer(base.model_copy(update={"chat_template": None}), saved)


def _require_room(folder: Path, model: PreTrainedModel, dtype: torch.dtype) -> None:
    needed = model.num_parameters() * dtype.itemsize
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DoesNotFitError(
            f"the merged model takes {needed / 2**30:.1f} GiB, but {folder.parent} has {free / 2**30:.1f} GiB free.",
            hint="--out on a larger disk",
        )


def _cast_weights(model: PreTrainedModel, dtype: torch.dtype) -> None:
    """Cast the parameters and nothing else: Module.to would round the rotary frequencies, which no file holds."""
    for weight in model.parameters():
        weight.data = weight.data.to(dtype)


def _card(
    trained: TrainedAdapter,
    base: ModelConfig,
    located: LocatedModel,
    verification: Verification,
    *,
    title: str,
    dtype: str,
) -> str:
    run = trained.run
    return model_card(
        CardFacts(
            title=title,
            base=name_of_base(base.id or str(base.wheel)),
            located=located,
            lora={"rank": trained.lora.r, "alpha": trained.lora.lora_alpha},
            dtype=dtype,
            checkpoint=trained.folder.name,
            verification=verification,
            config=trained.config,
            environment=read_json(run.env) if run is not None and run.env.is_file() else None,
            summary=read_json(run.summary) if run is not None and run.summary.is_file() else None,
        )
    )
