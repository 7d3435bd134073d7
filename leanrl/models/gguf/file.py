"""A GGUF file of a merged model, for llama.cpp and what is built on it: Llama and Qwen2.

Source: the GGUF specification of ggml (docs/gguf.md) and the names of the package `gguf`.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from leanrl.errors import ConfigError, LeanRLError, MissingError
from leanrl.machine.installation import install_extras
from leanrl.models.gguf.tokenizer import add_tokenizer, require_known_tokenizer
from leanrl.models.merging.verify import TOLERANCE_NATS, Text, score_texts

_FAMILIES = ("llama", "qwen2")
_HINT = "LLAMA_CPP=FOLDER with a checkout of llama.cpp, whose converter knows more"


@dataclass(frozen=True)
class GgufReport:
    """A GGUF file, and how far what transformers reads out of it is from the merged model, in nats."""

    file: Path
    kind: str
    difference_mean: float
    difference_max: float

    def text(self) -> str:
        return (
            f"{self.file.name} ({self.kind}), read back: log-probs differ from the merged model's by "
            f"{self.difference_mean:.1e} nats on average and {self.difference_max:.1e} at most"
        )


def require_gguf(kind: str, config: PreTrainedConfig, tokenizer: PreTrainedTokenizerBase) -> None:
    """Check that a GGUF file of this type can be written for this model, before any work.

    Raises:
        ConfigError: naming the family, or what in the model GGUF has no word for.
        MissingError: if the package gguf is not installed.
    """
    if find_spec("gguf") is None:
        raise MissingError("--gguf needs the package gguf, which is not installed.", hint=install_extras("demo"))
    if config.model_type not in _FAMILIES:
        raise ConfigError(
            f"--gguf: the model is a {config.model_type}; leanrl writes GGUF for {' and '.join(_FAMILIES)}.",
            hint=_HINT,
        )
    rope = _rope(config)
    unknown = [
        name
        for name, is_there in {
            f"rope scaling {rope.get('rope_type')}": rope.get("rope_type", "default") != "default",
            "attention_bias": config.model_type == "llama" and bool(getattr(config, "attention_bias", False)),
            "mlp_bias": bool(getattr(config, "mlp_bias", False)),
        }.items()
        if is_there
    ]
    if unknown:
        raise ConfigError(
            f"--gguf: the model has {', '.join(unknown)}, which leanrl does not write.",
            hint=_HINT,
        )
    require_known_tokenizer(tokenizer)


def write_gguf(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, file: Path, *, kind: str) -> None:
    """Write model and tokenizer to `file`; matrices in type `kind`, vectors in fp32, as llama.cpp does.

    A matrix whose rows are no multiple of a block of Q8_0 is written in F16.

    Raises:
        ConfigError: if a weight is too large for F16.
    """
    from gguf import GGUFWriter
    from gguf.quants import quantize

    config = model.config
    writer = GGUFWriter(file, config.model_type)
    _add_shape(writer, config, name=file.stem, kind=kind)
    add_tokenizer(writer, tokenizer, num_tokens=config.vocab_size)
    gguf_name = _namer(config)
    for name, weight in model.named_parameters():
        weight_kind = _kind_of(weight, kind)
        if weight_kind.name == "F16" and weight.abs().max() > torch.finfo(torch.float16).max:
            raise ConfigError(f"{name} holds numbers that F16 ends before.", hint="--gguf BF16")
        values = _permuted(gguf_name(name), weight.detach().float().numpy(), config)
        writer.add_tensor(gguf_name(name), quantize(values, weight_kind), raw_dtype=weight_kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@torch.no_grad()
def verify_gguf(model: PreTrainedModel, file: Path, texts: Sequence[Text], *, kind: str) -> GgufReport:
    """Load the file with transformers and compare it with the fp32 model, whose weights are rounded in place.

    What the types do to a weight is known: the file has to say what the model says once its weights are rounded
    so in memory.

    Raises:
        LeanRLError: if the file says something else.
    """
    from gguf.quants import dequantize, quantize

    merged = score_texts(model, texts)
    for weight in model.parameters():
        weight_kind = _kind_of(weight, kind)
        values = dequantize(quantize(weight.float().numpy(), weight_kind), weight_kind)
        weight.copy_(torch.from_numpy(values.reshape(weight.shape)))
    expected = score_texts(model, texts)
    with redirect_stderr(StringIO()):  # the reader's bars ask nobody before they are drawn
        read = AutoModelForCausalLM.from_pretrained(str(file.parent), gguf_file=file.name, dtype=torch.float32)
    got = score_texts(read, texts)
    off = (got.logprobs_N - expected.logprobs_N).abs().max().item()
    if not off <= TOLERANCE_NATS:
        raise LeanRLError(f"{file.name} does not hold the merged model: log-probs are off by up to {off:.1e} nats.")
    difference_N = (got.logprobs_N - merged.logprobs_N).abs()
    return GgufReport(file, kind, difference_N.mean().item(), difference_N.max().item())


def _add_shape(writer: Any, config: PreTrainedConfig, *, name: str, kind: str) -> None:
    from gguf import LlamaFileType

    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer.add_name(name)
    writer.add_file_type(LlamaFileType[f"MOSTLY_{kind}"])
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_dimension_count(head_dim)
    writer.add_rope_freq_base(_rope(config)["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)


def _rope(config: PreTrainedConfig) -> Mapping[str, Any]:
    return getattr(config, "rope_parameters", None) or {}


def _kind_of(weight: Tensor, kind: str) -> Any:
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    if weight.dim() == 1:
        return GGMLQuantizationType.F32
    block, _ = GGML_QUANT_SIZES[GGMLQuantizationType[kind]]
    return GGMLQuantizationType[kind if weight.shape[-1] % block == 0 else "F16"]


def _namer(config: PreTrainedConfig) -> Callable[[str], str]:
    """Return what turns transformers' name of a weight into GGUF's; a tied head is no weight of its own."""
    from gguf import MODEL_ARCH, get_tensor_name_map

    names = get_tensor_name_map(MODEL_ARCH[config.model_type.upper()], config.num_hidden_layers)

    def gguf_name(name: str) -> str:
        found = names.get_name(name, try_suffixes=(".weight", ".bias"))
        assert found is not None, name
        return str(found)

    return gguf_name


def _permuted(name: str, values: np.ndarray, config: PreTrainedConfig) -> np.ndarray:
    """Return a Llama's queries and keys with the two halves of each head interleaved, as ggml's rotation wants them.

    transformers rotates (i, i + d/2), ggml (2i, 2i + 1); Qwen2 keeps transformers' order in GGUF.
    """
    heads = {"attn_q.weight": config.num_attention_heads, "attn_k.weight": config.num_key_value_heads}
    num_heads = heads.get(name.split(".", 2)[-1])
    if config.model_type != "llama" or num_heads is None:
        return values
    halves = values.reshape(num_heads, 2, values.shape[0] // num_heads // 2, *values.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(values.shape))
