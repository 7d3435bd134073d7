"""Error and CPU time of the tiled head's gradients in bf16, beside whole logits and beside products rounded to bf16.

    python benchmarks/training/head_gradient.py

The error is relative to float64 and the mean of three seeds. The CPU time of a backward pass is the smallest of five,
as a multiple of the same pass with rounded products. Prints a table and writes
benchmarks/results/<machine>-<date>-head-gradient.json. On a GPU the matrix kernel adds to the fp32 sum by itself: its
time is not measured here.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.results_file import RESULTS, results_path, write_results_file
from leanrl.algorithms import products
from leanrl.algorithms.logprobs import token_logprobs
from leanrl.machine.environment import describe_machine

# Tokens, vocabulary, hidden size: many vocabulary tiles, many token tiles, and both.
SIZES = [(512, 49_152, 576), (8192, 4096, 576), (2048, 24_576, 576)]
Score = Callable[[Tensor, Tensor, Tensor], Tensor]


def main() -> None:
    rows = []
    for num_tokens, num_words, hidden_size in SIZES:
        found = [_errors(num_tokens, num_words, hidden_size, seed=seed) for seed in range(3)]
        row = {"tokens": num_tokens, "vocabulary": num_words, "hidden": hidden_size}
        row |= {name: sum(errors[name] for errors in found) / len(found) for name in found[0]}
        row["cpu_time_ratio"] = _time_ratio(num_tokens, num_words, hidden_size)
        rows.append(row)
        print(row)
    path = results_path(RESULTS, "head-gradient", gpu={}, vram_gib=None, tiny=False)
    about = {"command": f"python benchmarks/training/{Path(__file__).name}", "machine": describe_machine()}
    write_results_file(path, about | {"rows": rows})
    print(path)


def _errors(num_tokens: int, num_words: int, hidden_size: int, *, seed: int) -> dict[str, float]:
    """Return the relative error of both gradients for each way to make them."""
    drawn = _draw(num_tokens, num_words, hidden_size, seed=seed)
    exact = _gradients(_whole, drawn, torch.float64)
    ways = {
        "whole": _gradients(_whole, drawn, torch.bfloat16),
        "tiled": _gradients(_tiled, drawn, torch.bfloat16),
        "rounded": _with_rounded_products(lambda: _gradients(_tiled, drawn, torch.bfloat16)),
    }
    return {
        f"{way} {name}": float((found - truth).norm() / truth.norm())
        for way, gradients in ways.items()
        for name, found, truth in zip(("hidden", "head"), gradients, exact, strict=True)
    }


def _time_ratio(num_tokens: int, num_words: int, hidden_size: int) -> float:
    drawn = _draw(num_tokens, num_words, hidden_size, seed=0)
    exact = min(_backward_seconds(drawn) for _ in range(5))
    return exact / min(_with_rounded_products(lambda: _backward_seconds(drawn)) for _ in range(5))


def _backward_seconds(drawn: tuple[Tensor, ...]) -> float:
    hidden, head, targets, upstream = drawn
    leaves = [tensor.clone().requires_grad_() for tensor in (hidden, head)]
    loss = (_tiled(leaves[0], leaves[1], targets) * upstream).sum()
    started = time.process_time()
    loss.backward()
    return time.process_time() - started


def _draw(num_tokens: int, num_words: int, hidden_size: int, *, seed: int) -> tuple[Tensor, ...]:
    torch.manual_seed(seed)
    hidden, head = torch.randn(num_tokens, hidden_size), 0.05 * torch.randn(num_words, hidden_size)
    targets, upstream = torch.randint(num_words, (num_tokens,)), torch.randn(num_tokens)
    return hidden.bfloat16(), head.bfloat16(), targets, upstream


def _gradients(score: Score, drawn: tuple[Tensor, ...], dtype: torch.dtype) -> list[Tensor]:
    hidden, head, targets, upstream = drawn
    leaves = [tensor.clone().to(dtype).requires_grad_() for tensor in (hidden, head)]
    (score(leaves[0], leaves[1], targets) * upstream).sum().backward()
    return [leaf.grad.double() for leaf in leaves if leaf.grad is not None]


def _whole(hidden: Tensor, head: Tensor, targets: Tensor) -> Tensor:
    logits = (hidden @ head.t()).to(torch.promote_types(hidden.dtype, torch.float32))
    return torch.log_softmax(logits, dim=-1).gather(-1, targets[:, None]).squeeze(-1)


def _tiled(hidden: Tensor, head: Tensor, targets: Tensor) -> Tensor:
    return token_logprobs(hidden, head, targets, temperature=1.0)[0]


def _with_rounded_products(work: Callable[[], Any]) -> Any:
    def add_rounded(sum_n_m: Tensor, left_n_k: Tensor, right_k_m: Tensor) -> None:
        sum_n_m += left_n_k @ right_k_m

    original, products.add_product = products.add_product, add_rounded
    try:
        return work()
    finally:
        products.add_product = original


if __name__ == "__main__":
    main()
