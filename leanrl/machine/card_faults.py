"""CardFault: libraries of CUDA that do not go together, as a log or an error message tells of them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePath

from leanrl.machine.installation import reinstall_together

_NEWER_DRIVER = "install driver 580 or later, which CUDA 13 needs, or a torch that is built for the driver's CUDA"
# Whose symbols they are, by how they begin.
_OWNERS = {
    "nccl": "libnccl.so",
    "cudnn": "libcudnn.so",
    "cublas": "libcublas.so",
    "cusparse": "libcusparse.so",
    "__nvJitLink": "libnvJitLink.so",
    "cuda": "libcudart.so",
}
# Packages with compiled code for a card.
_COMPILED = ("vllm", "bitsandbytes", "torchao", "xformers", "flash_attn", "triton", "torch")


@dataclass(frozen=True)
class CardFault:
    """A library, what is wrong with it, and the change that mends it."""

    library: str
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.library} {self.what}: {self.fix}"


def find_card_fault(text: str) -> CardFault | None:
    """Return the fault of CUDA libraries that a text tells of, or None.

    Of several it is the first cause: with a driver that is too old all libraries above it fail as well.
    """
    for pattern, read in _FAULTS:
        found = pattern.search(text)
        if found is not None:
            return read(found, text)
    return None


def _no_driver(_: re.Match[str], text: str) -> CardFault:
    fix = "install NVIDIA's driver; a container sees it where it is started with its GPUs (`--gpus all`)"
    return CardFault("libcuda.so.1", "of the driver is not found", fix)


def _two_drivers(_: re.Match[str], text: str) -> CardFault:
    fix = "restart the machine, so that the kernel loads the driver that is installed"
    return CardFault("libcuda.so.1", "is of another release than the driver in the kernel", fix)


def _old_driver(_: re.Match[str], text: str) -> CardFault:
    version = re.search(r"found version (\d+)", text)
    known = f", and knows CUDA {int(version[1]) // 1000}.{int(version[1]) % 1000 // 10}" if version else ""
    return CardFault("libcuda.so.1", f"of the driver is older than the CUDA of a package here{known}", _NEWER_DRIVER)


def _no_cuda(_: re.Match[str], text: str) -> CardFault:
    return CardFault("torch", "is built without CUDA", reinstall_together("torch"))


def _no_kernel(_: re.Match[str], text: str) -> CardFault:
    package = _package_at_fault(text)
    return CardFault(package, "has no code for this card's compute capability", reinstall_together(package))


def _old_ptxas(found: re.Match[str], text: str) -> CardFault:
    return CardFault("Triton's ptxas", f"does not know this card ({found[1]})", reinstall_together("triton"))


def _no_symbol(found: re.Match[str], text: str) -> CardFault:
    file, symbol = PurePath(found["file"]), found["symbol"]
    package = _package_of(file)
    owner = next((library for prefix, library in _OWNERS.items() if symbol.startswith(prefix)), "torch")
    needed_by = file.name if package is None else f"{package}'s {file.name}"
    fix = reinstall_together(package or "torch")
    if owner != "torch":
        fix += ", without a folder of another CUDA in LD_LIBRARY_PATH"
    return CardFault(owner, f"lacks the symbol {symbol[:60]}, which {needed_by} needs", fix)


def _no_library(found: re.Match[str], text: str) -> CardFault:
    library = found[1]
    major = re.search(r"^lib(?:cudart|cublas|cublasLt|nvrtc)\.so\.(\d+)", library)
    built = f", and a package here was built for CUDA {major[1]}" if major else ""
    return CardFault(library, f"is not found{built}", reinstall_together(_package_at_fault(text)))


def _no_binary(found: re.Match[str], text: str) -> CardFault:
    what = "is missing, for the installed bitsandbytes has no build for torch's CUDA"
    return CardFault(found[1], what, reinstall_together("bitsandbytes"))


def _package_of(file: PurePath) -> str | None:
    """Return the package that a file of an environment belongs to, or None for one of the system."""
    folders = file.parts[:-1]
    return next((package for folder, package in pairwise(folders) if folder.endswith("-packages")), None)


def _package_at_fault(text: str) -> str:
    """Return the package with compiled code that a traceback ends in, or torch."""
    named = re.findall(rf"-packages/({'|'.join(_COMPILED)})/", text)
    return named[-1] if named else "torch"


_Read = Callable[[re.Match[str], str], CardFault]
_FAULTS: tuple[tuple[re.Pattern[str], _Read], ...] = tuple(
    (re.compile(pattern), read)
    for pattern, read in (
        (r"libcuda\.so(?:\.\d+)*: cannot open shared object|Found no NVIDIA driver", _no_driver),
        (r"Driver/library version mismatch|unsupported display driver / cuda driver combination", _two_drivers),
        (r"driver on your system is too old|driver version is insufficient|cudaErrorInsufficientDriver", _old_driver),
        (r"PTX was compiled with an unsupported toolchain", _old_driver),
        (r"Torch not compiled with CUDA enabled", _no_cuda),
        (r"no kernel image is available|not compatible with the current PyTorch installation", _no_kernel),
        (r"ptxas fatal\s*:.*?'(sm_\w+)'", _old_ptxas),
        (r"(?P<file>[^\s'\"]+\.so(?:\.\d+)*): undefined symbol: (?P<symbol>\w+)", _no_symbol),
        (r"CUDA binary (?:not found )?at \S*?(libbitsandbytes_cuda\w+\.so)", _no_binary),
        (r"(lib(?:cu|nv|nccl|caffe2_nv)\w*\.so(?:\.\d+)*): cannot open shared object", _no_library),
        (r"(?:Could not load library|Unable to load any of \{)\s*(lib(?:cu|nv|nccl)\w*\.so(?:\.\d+)*)", _no_library),
    )
)
