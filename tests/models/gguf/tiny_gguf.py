"""A GGUF file with a random two-layer Llama, and packages that carry files as pip would lay them out."""

from pathlib import Path

import numpy as np
from tokenizers import pre_tokenizers

from tests.tiny_model import CHAT_TEMPLATE, PAD, TURN_END, TURN_START

HIDDEN, INNER, LAYERS, HEADS, KV_HEADS = 64, 128, 2, 2, 1
HEAD_DIM = HIDDEN // HEADS

# GGUF's types of tokens: 1 is an ordinary one, 3 a control token.
_NORMAL, _CONTROL = 1, 3


def write_tiny_gguf(path: Path) -> Path:
    """Write a model with metadata of SmolLM's kind: digits split off first, an end that is not the start."""
    from gguf import GGUFWriter

    special = [PAD, TURN_START, TURN_END]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*special, *letters, "ĠĠ", "ĠĠĠ"]
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(256)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(HEAD_DIM)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([_CONTROL] * len(special) + [_NORMAL] * (len(tokens) - len(special)))
    writer.add_token_merges(["Ġ Ġ", "ĠĠ Ġ"])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_chat_template(CHAT_TEMPLATE)
    for name, values in _weights(len(tokens)).items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def install_package(site: Path, name: str, files: dict[str, bytes]) -> None:
    """Lay a package of version 1.2 and its record out under `site`."""
    record = []
    for file, content in files.items():
        path = site / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        record.append(f"{name}/{file},,")
    info = site / f"{name}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    (info / "RECORD").write_text("\n".join(record) + "\n")


def _weights(num_tokens: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)

    def matrix(*shape: int) -> np.ndarray:
        return random.normal(0.0, 0.1, shape).astype(np.float32)

    def ones() -> np.ndarray:
        return np.ones(HIDDEN, dtype=np.float32)

    weights = {"token_embd.weight": matrix(num_tokens, HIDDEN), "output_norm.weight": ones()}
    for layer in range(LAYERS):
        prefix = f"blk.{layer}"
        weights |= {
            f"{prefix}.attn_norm.weight": ones(),
            f"{prefix}.ffn_norm.weight": ones(),
            f"{prefix}.attn_q.weight": matrix(HEADS * HEAD_DIM, HIDDEN),
            f"{prefix}.attn_k.weight": matrix(KV_HEADS * HEAD_DIM, HIDDEN),
            f"{prefix}.attn_v.weight": matrix(KV_HEADS * HEAD_DIM, HIDDEN),
            f"{prefix}.attn_output.weight": matrix(HIDDEN, HEADS * HEAD_DIM),
            f"{prefix}.ffn_gate.weight": matrix(INNER, HIDDEN),
            f"{prefix}.ffn_up.weight": matrix(INNER, HIDDEN),
            f"{prefix}.ffn_down.weight": matrix(HIDDEN, INNER),
        }
    return weights
