"""The tokenizer of a model in the words of GGUF: byte-level BPE of the kinds that Llama and Qwen2 models use."""

import json
from typing import Any

from tokenizers import Regex, pre_tokenizers
from tokenizers.pre_tokenizers import PreTokenizer
from transformers import PreTrainedTokenizerBase

from leanrl.errors import ConfigError

# GGUF's types of tokens (gguf.TokenType): an ordinary one, a control token, one that was added, an unused place.
_NORMAL, _CONTROL, _ADDED, _UNUSED = 1, 3, 4, 5

_HINT = "LLAMA_CPP=FOLDER with a checkout of llama.cpp, whose converter knows more"

# What the ways to split differ in: digits, contractions, spaces before words and at line ends, signs, other scripts.
_PROBE = "It's 12345 (x=6.7)!\n\n  Über  naïve\t数学 don'T  \r\n A1b2 "


def require_known_tokenizer(tokenizer: PreTrainedTokenizerBase) -> None:
    """Check that GGUF has words for this tokenizer.

    Raises:
        ConfigError: if it is no byte-level BPE, or splits text in a way that has no name here.
    """
    if not is_byte_level(tokenizer):
        raise ConfigError(
            f"--gguf: the tokenizer is {_kind(tokenizer)} and not byte-level BPE, which is all that leanrl writes.",
            hint=_HINT,
        )
    if split_name(tokenizer) is None:
        raise ConfigError(
            f"--gguf: the tokenizer splits text into words as none of {', '.join(_splits())} does, and llama.cpp goes "
            "by the name.",
            hint=_HINT,
        )


def is_byte_level(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Return whether the tokens are made of the 256 letters that stand for bytes.

    The flag `byte_fallback` does not tell: transformers sets it on what it reads from GGUF, and it means nothing
    beside a ByteLevel pre-tokenizer, which leaves no character unknown. A vocabulary that does fall back has `<0x00>`.
    """
    if _kind(tokenizer) != "BPE" or "<0x00>" in tokenizer.get_vocab():
        return False
    parts = json.loads(tokenizer.backend_tokenizer.to_str())
    return all("ByteLevel" in _types(parts[part]) for part in ("pre_tokenizer", "decoder"))


def split_name(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """Return llama.cpp's name for how the tokenizer splits text before it merges, found by trying it out."""
    own = tokenizer.backend_tokenizer.pre_tokenizer
    if own is None:
        return None
    split = own.pre_tokenize_str(_PROBE)
    return next((name for name, known in _splits().items() if known.pre_tokenize_str(_PROBE) == split), None)


def add_tokenizer(writer: Any, tokenizer: PreTrainedTokenizerBase, *, num_tokens: int) -> None:
    """Write the tokenizer to a GGUFWriter; places of the embedding that no token has are marked unused."""
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    tokens, types = _tokens(tokenizer, num_tokens)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(split_name(tokenizer))
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]])
    for name in ("bos", "eos", "unk", "pad"):
        number = getattr(tokenizer, f"{name}_token_id")
        if number is not None:
            getattr(writer, f"add_{name}_token_id")(number)
    if tokenizer.chat_template is not None:
        writer.add_chat_template(tokenizer.chat_template)
    writer.add_add_bos_token(_starts_with_bos(tokenizer))


def _kind(tokenizer: PreTrainedTokenizerBase) -> str:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return "a slow one" if backend is None else str(json.loads(backend.to_str())["model"]["type"])


def _types(part: dict[str, Any] | None) -> set[str]:
    """Return the types of a pre-tokenizer or decoder and of those that it puts in sequence."""
    if part is None:
        return set()
    inner = [*part.get("pretokenizers", []), *part.get("decoders", [])]
    return {part["type"], *(name for one in inner for name in _types(one))}


def _tokens(tokenizer: PreTrainedTokenizerBase, num_tokens: int) -> tuple[list[str], list[int]]:
    by_number = {number: token for token, number in tokenizer.get_vocab().items()}
    added = tokenizer.added_tokens_decoder
    tokens = [by_number.get(number, f"[PAD{number}]") for number in range(num_tokens)]
    types = []
    for number in range(num_tokens):
        if number in added:
            types.append(_CONTROL if added[number].special else _ADDED)
        else:
            types.append(_NORMAL if number in by_number else _UNUSED)
    return tokens, types


def _starts_with_bos(tokenizer: PreTrainedTokenizerBase) -> bool:
    ids = tokenizer("a")["input_ids"]
    return tokenizer.bos_token_id is not None and bool(ids) and ids[0] == tokenizer.bos_token_id


def _splits() -> dict[str, PreTokenizer]:
    """Return the pre-tokenizers that llama.cpp knows by name, as their models' tokenizer.json has them."""
    return {
        "gpt-2": pre_tokenizers.ByteLevel(add_prefix_space=False),
        "smollm": pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        ),
        "qwen2": _by_pattern(r"\p{N}"),
        "llama-bpe": _by_pattern(r"\p{N}{1,3}"),
    }


def _by_pattern(number: str) -> PreTokenizer:
    pattern = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|" + number + r"| ?[^\s\p{L}\p{N}]+[\r\n]*|"
        r"\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    split = pre_tokenizers.Split(Regex(pattern), behavior="isolated")
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
