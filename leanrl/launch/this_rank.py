"""Which training rank this process is, as its starter has written into the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Set by leanrl's own launcher, whose ranks find a run folder that is made already.
LAUNCHED = "LEANRL_LAUNCHED"
# The file through which such ranks of one machine meet: no port of theirs listens to other machines.
MEETING = "LEANRL_MEETING"


@dataclass(frozen=True)
class Rank:
    """One of several training processes; `is_launched` where leanrl has started it, and not torchrun."""

    number: int
    num_ranks: int
    is_launched: bool


def this_rank(environment: Mapping[str, str] = os.environ) -> Rank | None:
    """Return the rank of this process, or None where nobody has made it one."""
    if "RANK" not in environment or "WORLD_SIZE" not in environment:
        return None
    return Rank(int(environment["RANK"]), int(environment["WORLD_SIZE"]), environment.get(LAUNCHED) == "1")


def is_first_rank() -> bool:
    """Return whether this process writes the run's files: the first of its ranks, or the only one."""
    rank = this_rank()
    return rank is None or rank.number == 0


def note_leaving(environment: Mapping[str, str] = os.environ) -> None:
    """Note that this rank ends, for `leaving_ranks`: call it while its connections to the other ranks still stand.

    The others fail when they lose it, and a process with torch takes so long to end that one of them may be gone first.
    """
    rank = this_rank(environment)
    if rank is None or MEETING not in environment:
        return
    with _leaving_file(Path(environment[MEETING])).open("a", encoding="ascii") as file:
        file.write(f"{rank.number}\n")  # in one piece: the file is appended to, and a line is shorter than a buffer


def leaving_ranks(meeting: Path) -> list[int]:
    """Return the ranks that have noted that they end, in their order."""
    file = _leaving_file(meeting)
    return [int(line) for line in file.read_text(encoding="ascii").splitlines()] if file.exists() else []


def _leaving_file(meeting: Path) -> Path:
    return meeting.with_name(f"{meeting.name}.leaving")
