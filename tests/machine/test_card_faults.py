"""Messages of libraries that do not go together: which library is named, and what is to be done."""

import pytest

from leanrl.machine.card_faults import find_card_fault
from leanrl.machine.diagnosis import constraint_set

SITE = "/venv/lib/python3.12/site-packages"
MESSAGES = {
    f"ImportError: libcudart.so.12: cannot open shared object file\n  File {SITE}/vllm/_custom_ops.py": (
        "libcudart.so.12 is not found, and a package here was built for CUDA 12",
        "torch vllm",
    ),
    "OSError: libnccl.so.2: cannot open shared object file: No such file or directory": (
        "libnccl.so.2 is not found",
        "torch",
    ),
    f"ImportError: {SITE}/torch/lib/libtorch_cuda.so: undefined symbol: ncclCommWindowRegister": (
        "libnccl.so lacks the symbol ncclCommWindowRegister, which torch's libtorch_cuda.so needs",
        "LD_LIBRARY_PATH",
    ),
    f"ImportError: {SITE}/vllm/_C.abi3.so: undefined symbol: _ZN3c108ListType3getE": (
        "torch lacks the symbol _ZN3c108ListType3getE, which vllm's _C.abi3.so needs",
        "torch vllm",
    ),
    "torch.AcceleratorError: CUDA error: no kernel image is available for execution on the device": (
        "torch has no code for this card's compute capability",
        "torch",
    ),
    "NVIDIA B300 with CUDA capability sm_103 is not compatible with the current PyTorch installation.": (
        "torch has no code for this card's compute capability",
        "torch",
    ),
    "RuntimeError: The NVIDIA driver on your system is too old (found version 12040). Please update": (
        "libcuda.so.1 of the driver is older than the CUDA of a package here, and knows CUDA 12.4",
        "driver 580",
    ),
    "CUDA driver version is insufficient for CUDA runtime version": (
        "libcuda.so.1 of the driver is older than the CUDA of a package here",
        "driver 580",
    ),
    "Failed to initialize NVML: Driver/library version mismatch": (
        "libcuda.so.1 is of another release than the driver in the kernel",
        "restart",
    ),
    "ImportError: libcuda.so.1: cannot open shared object file: No such file or directory": (
        "libcuda.so.1 of the driver is not found",
        "--gpus all",
    ),
    f"Could not find bitsandbytes CUDA binary at PosixPath('{SITE}/bitsandbytes/libbitsandbytes_cuda131.so')": (
        "libbitsandbytes_cuda131.so is missing, for the installed bitsandbytes has no build for torch's CUDA",
        "torch bitsandbytes",
    ),
    "ptxas fatal   : Value 'sm_121a' is not defined for option 'gpu-name'": (
        "Triton's ptxas does not know this card (sm_121a)",
        "torch triton",
    ),
    "Could not load library libcudnn_graph.so.9. Error: no such file": ("libcudnn_graph.so.9 is not found", "torch"),
    "AssertionError: Torch not compiled with CUDA enabled": ("torch is built without CUDA", "torch"),
}


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_names_the_library_and_what_mends_it(message):
    what, fix = MESSAGES[message]
    fault = find_card_fault(f"Traceback\n{message}\nlast line")
    assert f"{fault.library} {fault.what}" == what
    assert fix in fault.fix


@pytest.mark.parametrize(
    "text",
    ["", "torch.OutOfMemoryError: CUDA out of memory.", "ModuleNotFoundError: No module named 'vllm'", "1 passed"],
)
def test_other_failures_are_none_of_a_librarys(text):
    assert find_card_fault(text) is None


def test_an_old_driver_is_named_before_what_fails_for_it():
    text = "libcudart.so.13: cannot open shared object file\nThe NVIDIA driver on your system is too old"
    assert find_card_fault(text).library == "libcuda.so.1"


def test_what_is_installed_anew_has_pinned_versions():
    pinned = {line.partition("==")[0] for line in constraint_set("default").splitlines()}
    assert {"torch", "triton", "vllm", "bitsandbytes", "torchao"} <= pinned
