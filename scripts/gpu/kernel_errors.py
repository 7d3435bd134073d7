"""The kernels that a CPU never runs, each against fp32 arithmetic on the same card.

    python scripts/gpu/kernel_errors.py --device cuda --out FOLDER

Writes kernel_errors.json: relative errors by norm of torch's varlen attention and its gradients for the heads of common
models, and of the tiled head's log-probabilities and gradients. On a CPU the varlen kernel is left out.
"""

import argparse
import json
from pathlib import Path

import torch
from torch import Tensor
from transformers import LlamaConfig

from leanrl.algorithms.logprobs import token_logprobs
from leanrl.config.load import load_config
from leanrl.trainer.proofs.packing import kernel_error

# Query heads, KV heads and head size of Qwen2.5 1.5B, SmolLM2 135M, Llama 3.2 1B, Qwen3 0.6B and Gemma 3 1B.
HEADS = ((12, 2, 128), (9, 3, 64), (32, 8, 64), (16, 8, 128), (4, 1, 256))
_TOKENS, _HIDDEN, _VOCABULARY = 512, 256, 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    errors = {"attention": attention_errors() if asked.device == "cuda" else {}, "head": head_errors(asked.device)}
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "kernel_errors.json").write_text(json.dumps(errors, indent=2) + "\n")
    print(json.dumps(errors))


def attention_errors() -> dict[str, float]:
    """Return the largest error of the varlen kernel for each kind of head."""
    config = load_config("single-gpu-lora", []).config
    return {
        f"{queries} x {size}, {shared} shared": kernel_error(_model_config(queries, shared, size), config)
        for queries, shared, size in HEADS
    }


def _model_config(queries: int, shared: int, size: int) -> LlamaConfig:
    return LlamaConfig(
        hidden_size=queries * size, num_attention_heads=queries, num_key_value_heads=shared, head_dim=size
    )


def head_errors(device: str) -> dict[str, float]:
    """Return the errors of the tiled head in bf16: log-probabilities, and gradients of hidden states and weight."""
    generator = torch.Generator(device).manual_seed(0)
    hidden_N_H = torch.randn(_TOKENS, _HIDDEN, device=device, generator=generator).bfloat16()
    head_V_H = torch.randn(_VOCABULARY, _HIDDEN, device=device, generator=generator).mul(0.1).bfloat16()
    targets_N = torch.randint(_VOCABULARY, (_TOKENS,), device=device, generator=generator)
    ours = _scored(hidden_N_H, head_V_H, targets_N)
    exact = _scored_by_whole_logits(hidden_N_H.double(), head_V_H.double(), targets_N)
    names = ("logprobs", "hidden gradient", "weight gradient")
    return {
        name: ((one.double() - other).norm() / other.norm()).item()
        for name, one, other in zip(names, ours, exact, strict=True)
    }


def _scored(hidden_N_H: Tensor, head_V_H: Tensor, targets_N: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    hidden_N_H, head_V_H = (tensor.detach().requires_grad_() for tensor in (hidden_N_H, head_V_H))
    logprobs_N, _ = token_logprobs(hidden_N_H, head_V_H, targets_N, temperature=0.7)
    logprobs_N.mean().backward()
    return logprobs_N.detach(), _gradient(hidden_N_H), _gradient(head_V_H)


def _scored_by_whole_logits(hidden_N_H: Tensor, head_V_H: Tensor, targets_N: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    hidden_N_H, head_V_H = (tensor.detach().requires_grad_() for tensor in (hidden_N_H, head_V_H))
    logprobs_N_V = (hidden_N_H @ head_V_H.T / 0.7).log_softmax(-1)
    logprobs_N = logprobs_N_V.gather(1, targets_N[:, None]).squeeze(1)
    logprobs_N.mean().backward()
    return logprobs_N.detach(), _gradient(hidden_N_H), _gradient(head_V_H)


def _gradient(tensor: Tensor) -> Tensor:
    assert tensor.grad is not None
    return tensor.grad


if __name__ == "__main__":
    main()
