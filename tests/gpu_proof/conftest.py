"""scripts/gpu is no package: its modules are found by their folder. A driver's tool is imitated by a script."""

import stat
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "scripts" / "gpu"))

CARD = "NVIDIA GeForce RTX 4090, 24564, {free}, {driver}, {capability}"


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """Return a function that puts an nvidia-smi on PATH which lists one card, and the processes on it."""

    def put(*, free_mib=24000, driver="580.65.06", capability="8.9", processes=()):
        folder = tmp_path / "driver"
        folder.mkdir(exist_ok=True)
        card = CARD.format(free=free_mib, driver=driver, capability=capability)
        script = folder / "nvidia-smi"
        lines = "\\n".join(processes)
        script.write_text(f"#!/bin/sh\ncase \"$*\" in *compute-apps*) printf '{lines}\\n';; *) echo '{card}';; esac\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    return put
