"""Fingerprint of a model's files: its config, the first bytes of each tensor, and its tokenizer; no torch."""

import hashlib
import json
from pathlib import Path

# Other weights of the same shapes differ within the first few numbers of some tensor; reading all would take minutes.
_BYTES_OF_TENSOR = 256
# What transformers writes anew whenever a config is saved.
_NOT_THE_MODEL = ("transformers_version", "_name_or_path")
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "merges.txt", "spiece.model")


def model_fingerprint(folder: Path) -> dict[str, str]:
    """Return one SHA-256 each of the config, of the tensors' names, shapes and first bytes, and of the tokenizer."""
    return {"config": _of_config(folder), "weights": _of_weights(folder), "tokenizer": _of_tokenizer(folder)}


def _of_config(folder: Path) -> str:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    kept = {name: value for name, value in config.items() if name not in _NOT_THE_MODEL}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def _of_weights(folder: Path) -> str:
    """Read the header of each file, and the beginning of each of its tensors in the order of their names."""
    digest = hashlib.sha256()
    for file in sorted(folder.glob("model*.safetensors")):
        with file.open("rb") as opened:
            header_bytes = int.from_bytes(opened.read(8), "little")
            header = json.loads(opened.read(header_bytes))
            for name, tensor in sorted((name, of) for name, of in header.items() if name != "__metadata__"):
                begin, end = tensor["data_offsets"]
                digest.update(f"{name}\0{tensor['dtype']}\0{tensor['shape']}\0".encode())
                opened.seek(8 + header_bytes + begin)
                digest.update(opened.read(min(_BYTES_OF_TENSOR, end - begin)))
    return digest.hexdigest()


def _of_tokenizer(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in _TOKENIZER_FILES:
        if (folder / name).is_file():
            digest.update(f"{name}\0".encode())
            digest.update((folder / name).read_bytes())
    return digest.hexdigest()
