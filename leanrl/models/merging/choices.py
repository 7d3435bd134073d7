"""What a merge may be asked for, checked before torch is imported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

from leanrl.errors import ConfigError, Problem

BaseKind = Literal["original", "dequantised"]

DTYPES = ("bfloat16", "float16", "float32")
BASES: tuple[BaseKind, ...] = ("original", "dequantised")
GGUF_TYPES = ("F16", "BF16", "Q8_0")
# What people call a dtype elsewhere.
_OTHER_NAMES = {"bf16": "bfloat16", "fp16": "float16", "f16": "float16", "half": "float16", "fp32": "float32"}


@dataclass(frozen=True)
class MergeChoices:
    """What a merge may be asked for.

    Args:
        dtype: dtype of the saved weights; the fold itself is fp32.
        base: what a QLoRA adapter is folded into: the 16-bit weights that its base was made from, or those that the
            NF4 base computes with.
        adapter: which of several adapters of a checkpoint.
        gguf: also make a GGUF file of this type.
        push: a Hub repository that receives the model, with the user's own login.
        private: whether a repository that is created is private.
        replace: whether a repository that holds another model may be written over.
    """

    dtype: str = "bfloat16"
    base: str = "original"
    adapter: str | None = None
    gguf: str | None = None
    push: str | None = None
    private: bool = True
    replace: bool = False


def checked(choices: MergeChoices) -> MergeChoices:
    """Return the choices with the GGUF type as GGUF writes it (`q8_0` is `Q8_0`).

    Raises:
        ConfigError: naming every value that cannot be chosen, with the nearest one that can.
    """
    gguf = None if choices.gguf is None else choices.gguf.upper()
    asked = [("--dtype", choices.dtype, DTYPES, _OTHER_NAMES), ("--base", choices.base, BASES, {})]
    if gguf is not None:
        asked.append(("--gguf", gguf, GGUF_TYPES, {}))
    problems = [
        _problem(flag, value, known, other_names) for flag, value, known, other_names in asked if value not in known
    ]
    if problems:
        raise ConfigError("The merge cannot be done as asked:", problems=problems)
    return replace(choices, gguf=gguf)


def _problem(flag: str, value: str, known: Sequence[str], other_names: Mapping[str, str]) -> Problem:
    close = get_close_matches(value.lower(), [name.lower() for name in known], n=1)
    nearest = next((name for name in known if [name.lower()] == close), other_names.get(value.lower(), known[0]))
    what = f"{value} is none of {', '.join(known)}"
    if flag == "--gguf" and value.startswith(("Q", "IQ")) and not close:
        what += "; llama.cpp's llama-quantize makes other types from a GGUF file"
    return Problem(flag, what, f"{flag} {nearest}")
