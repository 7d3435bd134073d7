"""Where a model's tensors lie among vLLM's: a name in a checkpoint is some rows of a vLLM parameter. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass

# vLLM's parameters that hold several of a checkpoint's, one below the other (vllm 0.31.0, models/llama.py and
# models/qwen2.py, packed_modules_mapping).
_STACKED = {"qkv_proj": ("q_proj", "k_proj", "v_proj"), "gate_up_proj": ("gate_proj", "up_proj")}
_STACK_OF = {part: stack for stack, parts in _STACKED.items() for part in parts}
# Tables whose rows vLLM rounds up to a multiple of 64 (layers/vocab_parallel_embedding.py, DEFAULT_VOCAB_PADDING_SIZE).
TABLES = ("model.embed_tokens.weight", "lm_head.weight")


@dataclass(frozen=True)
class Place:
    """Rows of a vLLM parameter, which has `total_rows` where nothing was added to it."""

    name: str
    first_row: int
    num_rows: int
    total_rows: int


def find_places(num_rows: Mapping[str, int]) -> dict[str, Place]:
    """Return the place of every tensor of a Llama or Qwen2, by its name in a checkpoint.

    Args:
        num_rows: length of the first axis of each tensor, by the same names.
    """
    return {name: _find_place(name, num_rows) for name in num_rows}


def _find_place(name: str, num_rows: Mapping[str, int]) -> Place:
    module, _, kind = name.rpartition(".")
    path, _, last = module.rpartition(".")
    stack = _STACK_OF.get(last)
    if stack is None:
        return Place(name, 0, num_rows[name], num_rows[name])
    parts = [f"{path}.{part}.{kind}" for part in _STACKED[stack]]
    above = parts[: parts.index(name)]
    return Place(
        f"{path}.{stack}.{kind}",
        first_row=sum(num_rows[part] for part in above),
        num_rows=num_rows[name],
        total_rows=sum(num_rows[part] for part in parts),
    )
