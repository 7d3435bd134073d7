"""The results file of a benchmark that runs on many machines: its name, and how it is written."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

from leanrl.machine.environment import describe_machine

RESULTS = Path(__file__).parent / "results"


def results_path(folder: Path, what: str, *, gpu: dict[str, Any], vram_gib: float | None, tiny: bool) -> Path:
    """Return <machine>-<date>-<what>, with the cap on its memory and `tiny` where they apply."""
    machine = describe_machine()
    name = gpu.get("name") or f"{machine['system']} {machine['num_cpus']}cpu"
    slug = re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-")
    cap = "" if vram_gib is None else f"-{vram_gib:g}gib"
    return folder / f"{slug}-{date.today().isoformat()}-{what}{cap}{'-tiny' if tiny else ''}.json"


def write_results_file(path: Path, content: dict[str, Any]) -> None:
    """Write what was found, in a folder that need not be there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
