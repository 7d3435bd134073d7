"""The weights of a merged model: folded in fp32, rounded once, written, read back and compared."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from peft import PeftModel
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from leanrl.errors import ConfigError
from leanrl.models.adapters.fold import attach_adapter, fold_adapter
from leanrl.models.load import load_as_saved, load_nf4, runs_own_code
from leanrl.models.locate import LocatedModel
from leanrl.models.merging.beside import require_room
from leanrl.models.merging.choices import BaseKind
from leanrl.models.merging.verify import Text, TextScores, Verification, sample_texts, score_texts, verify
from leanrl.models.weights.compare import require_read_whole
from leanrl.models.weights.fp32 import in_fp32
from leanrl.models.weights.nf4 import dequantise, is_nf4_checkpoint
from leanrl.prompting.generation import generation_to_save
from leanrl.prompting.stopping import stopping_of

Say = Callable[[str], None]

# Files of this size can be fetched again one by one, and no reader has to map a whole large model.
SHARD_SIZE = "4GB"

# Which texts the verification samples is fixed, so that merging twice says the same twice.
_SEED = 0


@dataclass(frozen=True)
class Distance:
    """How far two models are apart on the same texts, in nats."""

    mean: float
    max: float

    def text(self) -> str:
        return f"{self.mean:.1e} nats on average, {self.max:.1e} at most"


@dataclass(frozen=True)
class Merged:
    """What was written.

    `from_trained` holds, for a QLoRA adapter on either base, the distance to the policy as it was trained: on NF4,
    computed in bf16.
    """

    num_modules: int
    verification: Verification
    texts: list[Text]
    from_trained: dict[BaseKind, Distance]


def write_merged(
    adapter: Path,
    located: LocatedModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    *,
    held: torch.dtype | Literal["auto"],
    dtype: torch.dtype,
    say: Say,
) -> Merged:
    """Write the base with its adapter folded in; `held` is the dtype that the adapter was trained on."""
    say(f"loading the base {located.path_or_id}")
    base = in_fp32(load_as_saved(located, dtype=held))
    policy = attach_adapter(base, adapter)
    return _write_fold(policy, tokenizer, folder, dtype=dtype, texts=None, from_trained={}, say=say)


def write_merged_qlora(
    adapter: Path,
    located: LocatedModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    *,
    kind: BaseKind,
    dtype: torch.dtype,
    say: Say,
) -> Merged:
    """Write the chosen base with the adapter folded in, and measure both bases against the policy as trained."""
    say(f"loading the base {located.path_or_id} in NF4, and sampling texts from the policy as trained")
    policy = attach_adapter(load_nf4(located, device="cpu"), adapter)
    texts = sample_texts(policy, tokenizer, seed=_SEED)
    as_trained = score_texts(policy, texts)
    has_original = not is_nf4_checkpoint(policy.get_base_model())
    bases: tuple[BaseKind, ...] = ("original", "dequantised") if has_original else ("dequantised",)
    del policy
    from_trained = {}
    for other in bases:
        if other != kind:
            say(f"measuring the adapter on the {other} base")
            from_trained[other] = _distance(
                score_texts(attach_adapter(_base(located, other), adapter), texts), as_trained
            )
    say(f"measuring the adapter on the {kind} base")
    policy = attach_adapter(_base(located, kind), adapter)
    from_trained[kind] = _distance(score_texts(policy, texts), as_trained)
    return _write_fold(policy, tokenizer, folder, dtype=dtype, texts=texts, from_trained=from_trained, say=say)


def write_copy(
    source: LocatedModel, tokenizer: PreTrainedTokenizerBase, folder: Path, *, dtype: torch.dtype, say: Say
) -> Merged:
    """Write a model all of whose weights were trained, rounded to `dtype`."""
    say(f"loading {source.path_or_id}, and sampling texts to compare with")
    model = in_fp32(load_as_saved(source, dtype="auto"))
    require_read_whole(model, Path(source.path_or_id))
    require_room(folder, needed_bytes=model.num_parameters() * dtype.itemsize)
    texts = sample_texts(model, tokenizer, seed=_SEED)
    scores = score_texts(model, texts)
    verification = _write(
        model, tokenizer, folder, dtype=dtype, texts=texts, trained=scores, base=None, folded=scores, say=say
    )
    return Merged(0, verification, texts, {})


def _base(located: LocatedModel, kind: BaseKind) -> PreTrainedModel:
    if kind == "dequantised":
        return in_fp32(dequantise(load_nf4(located, device="cpu")))
    return in_fp32(load_as_saved(located, dtype=torch.bfloat16))


def _write_fold(
    policy: PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    *,
    dtype: torch.dtype,
    texts: list[Text] | None,
    from_trained: dict[BaseKind, Distance],
    say: Say,
) -> Merged:
    require_room(folder, needed_bytes=policy.get_base_model().num_parameters() * dtype.itemsize)
    say("sampling texts, and scoring them with base and adapter")
    texts = texts or sample_texts(policy, tokenizer, seed=_SEED)
    with policy.disable_adapter():
        of_base = score_texts(policy, texts)
    trained = score_texts(policy, texts)
    say("folding the adapter in fp32")
    model, num_modules = fold_adapter(policy)
    verification = _write(
        model,
        tokenizer,
        folder,
        dtype=dtype,
        texts=texts,
        trained=trained,
        base=of_base,
        folded=score_texts(model, texts),
        say=say,
    )
    return Merged(num_modules, verification, texts, from_trained)


def _write(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    *,
    dtype: torch.dtype,
    texts: list[Text],
    trained: TextScores,
    base: TextScores | None,
    folded: TextScores,
    say: Say,
) -> Verification:
    _refuse_overflow(model, dtype)
    _cast_weights(model, dtype)
    say(f"writing the weights in {str(dtype).removeprefix('torch.')}")
    model.generation_config = generation_to_save(model, stopping_of(tokenizer, model))
    model.save_pretrained(folder, max_shard_size=SHARD_SIZE)
    tokenizer.save_pretrained(folder)
    _cast_weights(model, torch.float32)
    rounded = score_texts(model, texts)
    _let_go(model)
    say("reading the files back and comparing every token")
    written = LocatedModel(str(folder), None, "folder", trust_remote_code=runs_own_code(model))
    merged = score_texts(load_as_saved(written, dtype=torch.float32), texts)
    return verify(merged=merged, trained=trained, base=base, folded=folded, rounded=rounded, num_texts=len(texts))


def _refuse_overflow(model: PreTrainedModel, dtype: torch.dtype) -> None:
    """fp16 ends at 65504, and becomes infinite without a word; bf16 and fp32 reach as far as each other."""
    largest = torch.finfo(dtype).max
    for name, weight in model.named_parameters():
        reach = weight.abs().max().item()
        if reach > largest:
            raise ConfigError(
                f"--dtype {str(dtype).removeprefix('torch.')}: {name} holds {reach:.3g}, and the dtype ends at "
                f"{largest:.6g}.",
                hint="--dtype bfloat16",
            )


def _cast_weights(model: PreTrainedModel, dtype: torch.dtype) -> None:
    """Cast the parameters and nothing else: Module.to would round the rotary frequencies, which no file holds."""
    for weight in model.parameters():
        weight.data = weight.data.to(dtype)


def _let_go(model: PreTrainedModel) -> None:
    """Free the weights, whoever still holds the model: the files are read back into their room."""
    for weight in model.parameters():
        weight.data = weight.data.new_empty(0)


def _distance(scores: TextScores, others: TextScores) -> Distance:
    difference_N = (scores.logprobs_N - others.logprobs_N).abs()
    return Distance(mean=difference_N.mean().item(), max=difference_N.max().item())
