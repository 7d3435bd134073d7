"""The card of this machine as a proof needs it: its name and bytes, who else uses it, and the driver."""

import csv
import subprocess
from dataclasses import asdict, dataclass
from typing import Any

from leanrl.planner.machine.card_names import recognise_card

GIB = 2**30
# The driver that CUDA 13 asks for; torch 2.11 and later come with it.
OLDEST_DRIVER = 580
_QUERY = "name,memory.total,memory.free,driver_version,compute_cap"


@dataclass(frozen=True)
class Card:
    """The first GPU as its driver describes it."""

    name: str
    total_bytes: int
    free_bytes: int
    driver: str
    compute_capability: str

    @property
    def known_name(self) -> str | None:
        """The name that `hardware.gpu` takes, or None for a card that the planner does not know."""
        card = recognise_card(self.name, self.total_bytes)
        return None if card is None else card.name

    def problems(self) -> list[str]:
        """Return what keeps leanrl from this card, whatever a stage needs."""
        found = []
        if int(self.driver.split(".")[0]) < OLDEST_DRIVER:
            found.append(f"the driver is {self.driver}; CUDA 13 needs {OLDEST_DRIVER} or later")
        if float(self.compute_capability) < 8.0:
            found.append(f"compute capability {self.compute_capability} has no bf16; 8.0 or later has it")
        return found

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def find_card() -> Card | None:
    """Return the first GPU that the driver lists, or None without one."""
    command = ["nvidia-smi", f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_cards(done.stdout)[0] if done.stdout.strip() else None


def parse_cards(text: str) -> list[Card]:
    """Return the cards of nvidia-smi's CSV without units; its memory is in MiB."""
    rows = csv.reader(text.strip().splitlines(), skipinitialspace=True)
    return [
        Card(name, int(total) * 2**20, int(free) * 2**20, driver, capability)
        for name, total, free, driver, capability in rows
    ]


def users_of_card() -> list[str]:
    """Return the processes that hold memory on a card, as nvidia-smi names them."""
    command = ["nvidia-smi", "--query-compute-apps=pid,process_name,used_memory", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]
