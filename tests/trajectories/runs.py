"""Short runs of a tiny model whose numbers are recorded, and what is read of them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from leanrl.machine.environment import describe_machine
from leanrl.storage.run_folder import RunFolder
from tests.cli.run import leanrl, tiny_overrides

GOLDEN = Path(__file__).with_name("golden.json")
_PLUGIN = Path(__file__).with_name("reward.py")
_METHODS = {
    "lora": ("model.tuning.method=lora", "optimizer.learning_rate=1.0e-2"),
    "full-kl": ("model.tuning.method=full", "algorithm.kl_beta=0.04", "optimizer.learning_rate=1.0e-3"),
    "qlora": (
        *("model.tuning.method=qlora", "model.dtype=bfloat16", "model.compute_dtype=bfloat16"),
        "optimizer.learning_rate=1.0e-2",
    ),
}
RUNS = [f"{method}-{ranks}" for method in _METHODS for ranks in (1, 2)]
_METRICS = ("loss", "reward", "grad_norm", "entropy", "kl", "learning_rate")
_SETTINGS = (
    *("train.max_steps=6", "data.num_heldout=0", "eval.greedy=false", "checkpoints.every_steps=6", "train.seed=7"),
    *("rewards={variety: 1.0}",),
)
_PACKAGES = ("torch", "transformers", "trl", "peft", "bitsandbytes")
_CPU_KEYS = ("vendor_id", "cpu family", "model", "stepping", "cache size")


def trajectory(name: str, *, model: Path, folder: Path) -> dict[str, Any]:
    """Train one of `RUNS` and return its metrics by step and its final weights: hash, sum and norm of each tensor."""
    method, _, num_ranks = name.rpartition("-")
    settings = tiny_overrides(model, *_SETTINGS, *_METHODS[method], f"hardware.num_cpu_ranks={num_ranks}")
    done = leanrl("train", "-p", "cpu-demo", *settings, "--plugin", _PLUGIN, "--run-dir", folder / name)
    assert done.code == 0, done.err
    run = RunFolder(folder / name)
    lines = [json.loads(line) for line in run.metrics.read_text().splitlines()]
    (checkpoint,) = run.complete_checkpoints()
    return {
        "steps": [{metric: line[metric] for metric in _METRICS if metric in line} for line in lines],
        "weights": {key: _fingerprint(tensor) for key, tensor in sorted(_weights(checkpoint).items())},
    }


def arithmetic() -> dict[str, Any]:
    """Return what decides the last bits: the CPU, by which MKL and oneDNN choose kernels and blocks, and versions.

    Vector instructions alone do not: two AMD EPYC with AVX-512 differed in the last bits of gradients.
    """
    versions = describe_machine()["versions"]
    vectors = torch.backends.cpu.get_cpu_capability()
    return {"cpu": [vectors, *_cpu_model()]} | {name: versions.get(name) for name in _PACKAGES}


def _cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> list[str]:
    lines = cpuinfo.read_text(errors="replace").splitlines() if cpuinfo.is_file() else []
    values = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return [f"{name} {values[name]}" for name in _CPU_KEYS if name in values]


def _weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    return {key: tensor for path in checkpoint.glob("*model*.safetensors") for key, tensor in load_file(path).items()}


def _fingerprint(tensor: torch.Tensor) -> dict[str, Any]:
    exact = tensor.double()
    digest = hashlib.sha256(tensor.contiguous().view(torch.uint8).numpy().tobytes()).hexdigest()
    return {"sha256": digest, "sum": exact.sum().item(), "norm": exact.norm().item()}
