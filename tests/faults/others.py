"""Faults beside kills: what a run says of each, how it ends, and what the resumed run lost."""

import math
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from leanrl.storage.run_folder import RunFolder, read_json, read_jsonl
from tests.cli.run import Outcome
from tests.faults.kills import Killing, Whole
from tests.faults.outcome import differences, outcome_of

_VARIABLE, _FILLER = "LEANRL_FAULT", "filler"  # of failing.py
# The fault comes within the step behind this many others: between two checkpoints.
_STEP = 4
_DISK = "128m"  # room for the three checkpoints that a run asks for
STOPPED_EARLY = 6
_NUM_GRADERS = 1  # its first answer takes a grader longest; later ones may be answered before they are stopped


class Faults:
    """Faults of one kind of run, whose whole run is known."""

    def __init__(self, killing: Killing, whole: Whole) -> None:
        self._killing, self._whole, self._number = killing, whole, 0

    def row(self, name: str) -> dict[str, Any]:
        """Bring a fault about, and return what came of it; `differs` names what was lost."""
        row = {"fault": name, **FAULTS[name](self)}
        return row | {"said": [line.replace(str(self._killing.folder), "FOLDER") for line in row["said"]]}

    def full_disk(self, bytes_left: int, *, said: str) -> dict[str, Any]:
        """Fill a real file system, see how the run ends, make room and resume."""
        with _small_disk(self._killing.folder / "disk") as disk:
            run = disk / "run"
            done = self._fail(run, f"fill,{disk},{bytes_left}")
            (disk / _FILLER).unlink()
            return self._stopped(done, run, said=said)

    def small_files(self) -> dict[str, Any]:
        run = self._new_folder()
        done = self._fail(run, f"limit,{2**15}")
        return self._stopped(done, run, said="")

    def clock(self, seconds: float) -> dict[str, Any]:
        """Set the wall clock in the middle of a run: no duration may become negative or long."""
        run = self._new_folder()
        done = self._fail(run, f"clock,{seconds}")
        found = [] if done.code else self._differences(run)
        durations = [value for line in read_jsonl(run / "metrics.jsonl") for value in line["seconds"].values()]
        durations.append(read_json(RunFolder(run).summary)["seconds"])
        return _result(done, found + [f"{value} s" for value in durations if not 0 <= value < 600])

    def graders(self) -> dict[str, Any]:
        """Kill graders while they judge; the run without the fault judges the same answers, all of them in children."""
        whole, run, file = self._new_folder(), self._new_folder(), self._new_folder()
        undisturbed, done = self._fail(whole, "none"), self._fail(run, f"graders,{_NUM_GRADERS},{file}")
        assert undisturbed.code == 0, undisturbed.err
        if done.code:
            return _result(done, [f"it ends: {done.err[-500:]}"])
        killed = list(read_jsonl(file)) if file.exists() else []
        verdicts, others = _verdicts(whole), _verdicts(run)
        found = killed_while_judging(killed, wanted=_NUM_GRADERS) + differences(outcome_of(whole), outcome_of(run))
        found += [] if len(set(verdicts)) > 1 else [f"all verdicts are {set(verdicts)}"]
        found += [] if verdicts == others else ["verdicts"]
        return _result(done, found) | {"times": len(killed), "killed": killed, "num_verdicts": len(others)}

    def nan(self) -> dict[str, Any]:
        """Put a NaN into a batch: the step is not taken, and everything behind it stays finite."""
        run = self._new_folder()
        done = self._fail(run, "nan")
        lines = list(read_jsonl(run / "metrics.jsonl"))
        skipped = [line["step"] for line in lines if line["nonfinite_steps"]]
        found = [] if skipped == [_STEP + 1] else [f"steps {skipped} are skipped"]
        later = [line["loss"] for line in lines if line["step"] > _STEP + 1]
        found += [f"a loss of {loss}" for loss in later if not math.isfinite(loss)]
        batches = [] if list((run / "nonfinite").iterdir()) else ["the batch"]
        return _result(done, found + batches) | {"given_up": f"step {_STEP + 1}, by design; its batch is kept"}

    def cut_files(self) -> dict[str, Any]:
        """Cut each file that a resume reads of the newest checkpoint to half: the one before it is taken."""
        run = self._new_folder()
        done = self._fail(run, f"signal,{int(signal.SIGTERM)}")
        assert done.code == 128 + signal.SIGTERM, done.err
        newest = RunFolder(run).complete_checkpoints()[-1]
        names = sorted(path.name for path in newest.iterdir() if path.suffix in (".pt", ".pth", ".safetensors"))
        names += ["trainer_state.json", "algorithm.state", "ledger.dat", "COMPLETE"]
        lost = [f"{name}: {what}" for name in names for what in self._cut(run, newest.name, name)]
        return _result(done, lost) | {"times": len(names)}

    def _cut(self, run: Path, checkpoint: str, name: str) -> list[str]:
        """Cut a file in a copy of a run, resume it, and return what was lost."""
        copy = self._new_folder()
        shutil.copytree(run, copy, symlinks=True)
        file = copy / "checkpoints" / checkpoint / name
        os.truncate(file, file.stat().st_size // 2)
        resumed = self._killing.command("train", "--resume", copy)
        if resumed.code != 0:
            return [resumed.err[-500:]]
        is_told = checkpoint in resumed.err and "damaged" in resumed.err
        return ([] if is_told else ["it is not told of"]) + self._differences(copy)

    def _fail(self, run: Path, fault: str) -> Outcome:
        arguments = self._killing.new(run)
        return self._killing.command(*arguments, environment={_VARIABLE: f"{_STEP},{fault}"})

    def _stopped(self, done: Outcome, run: Path, *, said: str) -> dict[str, Any]:
        """Return what a run lost that the fault has stopped: it must say so, without a traceback, and go on."""
        lost = [f"exit code {done.code}"] if done.code != STOPPED_EARLY else []
        lost += ["a traceback"] if "Traceback" in done.err else []
        lost += [] if said in done.err else [f"it does not say {said!r}"]
        resumed = self._killing.finished(run)
        return _result(done, lost + self._differences(run)) | {"resumed": resumed}

    def _differences(self, run: Path) -> list[str]:
        return differences(self._whole.outcome, outcome_of(run))

    def _new_folder(self) -> Path:
        self._number += 1
        return self._killing.folder / f"fault-{self._number}"


def _result(done: Outcome, differs: list[str]) -> dict[str, Any]:
    errors = [line for line in done.err.splitlines() if line.lower().startswith(("error", "hint", "warning"))]
    return {"times": 1, "exit_code": done.code, "said": errors[-2:], "differs": differs}


def killed_while_judging(killed: Sequence[Mapping[str, Any]], *, wanted: int) -> list[str]:
    """Return what speaks against so many graders having been killed while each judged an answer."""
    found = [] if len(killed) == wanted else [f"{len(killed)} graders were killed, and {wanted} should be"]
    for row in killed:
        if not row["is_grader"]:
            found.append(f"process {row['pid']} is no grader")
        if not row["was_running"] or row["exit_code"] != -signal.SIGKILL:
            found.append(f"grader {row['pid']} was not ended by the kill: code {row['exit_code']}")
        if row["had_answered"]:
            found.append(f"grader {row['pid']} had answered before it was killed")
    return found


def _verdicts(run: Path) -> list[str]:
    """Return the verdict of each completion of a run, in order."""
    files = sorted(RunFolder(run).completions.glob("*.jsonl"))
    return [str(line["verdict"]) for file in files for line in read_jsonl(file)]


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    """Mount a small file system for a test."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", folder], check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)
        folder.rmdir()


def can_mount(folder: Path) -> bool:
    """Return whether this user may mount a file system."""
    try:
        with _small_disk(folder / "mounted"):
            return True
    except (OSError, subprocess.CalledProcessError):
        (folder / "mounted").rmdir()
        return False


FAULTS: dict[str, Callable[[Faults], dict[str, Any]]] = {
    "a disk with no room for a checkpoint": lambda faults: faults.full_disk(2**15, said="the disk is full"),
    "a disk with no byte left": lambda faults: faults.full_disk(0, said="cannot be written: No space left on device"),
    "no file larger than 32 KiB (ulimit -f)": Faults.small_files,
    "a checkpoint whose files are cut": Faults.cut_files,
    "a clock set back by an hour": lambda faults: faults.clock(-3600.0),
    "a clock set forward by a day": lambda faults: faults.clock(86400.0),
    "graders killed while they judge": Faults.graders,
    "NaN in a batch": Faults.nan,
}
NEED_A_MOUNT = tuple(name for name in FAULTS if name.startswith("a disk"))
