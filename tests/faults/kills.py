"""Kills of a run at random moments, and whether the resumed run ends as the one that was never stopped."""

import os
import re
import shutil
import signal
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tests.cli.run import Outcome
from tests.faults.cases import Case
from tests.faults.outcome import differences, differences_of_kept, outcome_of
from tests.faults.process import HangError, Told, TrainProcess, told_phases
from tests.processes import alive_after

# A run keeps copies of both; each does nothing where its variable is not set.
PLUGINS = [Path(__file__).with_name(name) for name in ("telling.py", "failing.py")]
_GONE_SECONDS = 60.0
_FOLDER_HAS_NO_CHECKPOINT = "has no complete checkpoint"
_IS_FINISHED = "is finished"


@dataclass(frozen=True)
class Moment:
    """When to kill: within one occurrence of a phase of one rank, some seconds behind its beginning."""

    phase: str
    occurrence: int
    rank: int
    delay_seconds: float


@dataclass(frozen=True)
class Whole:
    """A run that was never stopped: what it left, and the seconds of each occurrence of its phases by rank."""

    outcome: dict[str, Any]
    phases: dict[tuple[int, str], list[float]]
    first_after_save: dict[tuple[int, str], int]


class Killing:
    """Kills of one kind of run in one folder.

    Args:
        model, problems: what it trains, and on what.
        is_cold: each process in an interpreter of its own, as a user starts it; else in forks of this one.
    """

    def __init__(self, case: Case, *, model: Path, problems: Path, folder: Path, is_cold: bool) -> None:
        self.case, self.folder, self.is_cold = case, folder, is_cold
        plugins = [part for plugin in PLUGINS for part in ("--plugin", plugin)]
        self._train = ["train", "-p", "cpu-demo", *plugins, *case.flags(model, problems)]

    def whole(self) -> Whole:
        """Run to the end, never stopped."""
        run = self.folder / "whole"
        with told_phases(self.folder) as told:
            process = TrainProcess(self.new(run), folder=self.folder, is_cold=self.is_cold)
            done = process.outcome(told)
        assert done.code == 0, done.err
        return Whole(outcome_of(run), *_timeline(told))

    def trial(
        self, number: int, moment: Moment, whole: Whole, *, sent: signal.Signals = signal.SIGKILL
    ) -> dict[str, Any]:
        """Send a run a signal at a moment, resume it to its end, and return what was lost."""
        started, run = time.monotonic(), self.folder / f"{sent.name}-{number}"
        with told_phases(self.folder) as told:
            process = TrainProcess(self.new(run), folder=self.folder, is_cold=self.is_cold)
            reached = self._send_at(moment, process, told, sent)
            sent_at = time.monotonic()
            done = process.outcome(told)
            seconds_to_exit = time.monotonic() - sent_at
            left = alive_after({event.pid for event in told.events}, seconds=_GONE_SECONDS)
        went_on, lost = self._went_on(run, whole, saves_its_own=sent == signal.SIGTERM)
        lost += [f"{len(left)} processes left"] if left else []
        row = {
            "phase": moment.phase,
            "occurrence": moment.occurrence,
            "rank": moment.rank,
            "delay_seconds": round(moment.delay_seconds, 4),
            "was_reached": reached and done.code != 0,  # a process that has ended by itself may take a signal, too
            "was_within": _open_phases(told, moment.rank),
            "exit_code": done.code,
            "seconds_to_exit": round(seconds_to_exit, 2),
            "resumed": went_on,
            "differs": lost,
            "seconds": round(time.monotonic() - started, 1),
        }
        if not lost:
            shutil.rmtree(run)
        return row

    def new(self, run: Path) -> list[str | Path]:
        """Return the command of a new run."""
        return [*self._train, "--run-dir", run]

    def _send_at(self, moment: Moment, process: TrainProcess, told: Told, sent: signal.Signals) -> bool:
        """Send a signal to the process that tells of the moment; False if the run ended before it."""
        seen = 0
        while process.code() is None:
            for event in told.read(wait_seconds=0.05):
                seen += event.is_begin and (event.phase, event.rank) == (moment.phase, moment.rank)
                if seen == moment.occurrence:
                    time.sleep(max(0.0, event.seconds + moment.delay_seconds - time.monotonic()))
                    return _send(event.pid, sent)
        return False

    def _went_on(self, run: Path, whole: Whole, *, saves_its_own: bool) -> tuple[str, list[str]]:
        """Return from where a run went on, and what it lost; one that cannot go on, or hangs, has lost all.

        A checkpoint that a signal has saved takes the place of an older one; those that both runs kept are compared.
        """
        compare = differences_of_kept if saves_its_own else differences
        try:
            return self.finished(run), compare(whole.outcome, outcome_of(run))
        except AssertionError as error:
            return "not", [str(error)]

    def finished(self, run: Path) -> str:
        """Bring a killed run to its end, and say from where."""
        done = self.command("train", "--resume", run)
        if done.code == 0:
            found = re.search(r"after step (\d+)", done.err)
            return f"step {found.group(1)}" if found else "start"
        if _IS_FINISHED in done.err:
            assert self.command("report", run).code == 0
            return "finished"
        if _FOLDER_HAS_NO_CHECKPOINT in done.err:
            shutil.rmtree(run)
            assert self.command(*self.new(run)).code == 0
            return "no checkpoint yet"
        raise AssertionError(f"exit {done.code}: {done.err[-3000:]}")

    def command(self, *arguments: str | Path, environment: Mapping[str, str] | None = None) -> Outcome:
        """Run a command to its end; it tells of no phases."""
        return TrainProcess(
            [*arguments], folder=self.folder, is_cold=self.is_cold, tells=False, environment=environment
        ).outcome()


def _send(pid: int, sent: signal.Signals) -> bool:
    """Send a signal; False if the process has ended in the meantime."""
    try:
        os.kill(pid, sent)
    except ProcessLookupError:
        return False
    return True


def random_moments(whole: Whole, *, rng: Random) -> Iterator[Moment]:
    """Yield moments without end, each behind the first checkpoint: one within each phase, on any rank, then again."""
    kinds = [kind for kind in sorted(whole.phases) if whole.first_after_save[kind] <= len(whole.phases[kind])]
    phases = sorted({phase for _, phase in kinds})
    while True:
        for phase in rng.sample(phases, k=len(phases)):
            yield _moment(rng.choice([kind for kind in kinds if kind[1] == phase]), whole, rng)


def _moment(kind: tuple[int, str], whole: Whole, rng: Random) -> Moment:
    rank, phase = kind
    occurrence = rng.randint(whole.first_after_save[kind], len(whole.phases[kind]))
    return Moment(phase, occurrence, rank, rng.random() * whole.phases[kind][occurrence - 1])


def _timeline(told: Told) -> tuple[dict[tuple[int, str], list[float]], dict[tuple[int, str], int]]:
    """Return the seconds of each occurrence, and which one is the first behind the first checkpoint."""
    begun: dict[tuple[int, str], list[float]] = defaultdict(list)
    seconds: dict[tuple[int, str], list[float]] = defaultdict(list)
    saved = next(event.seconds for event in told.events if event.phase == "publish" and not event.is_begin)
    first: dict[tuple[int, str], int] = defaultdict(int)
    for event in told.events:
        kind = (event.rank, event.phase)
        if event.is_begin:
            begun[kind].append(event.seconds)
            first[kind] += event.seconds < saved
        elif begun[kind]:
            seconds[kind].append(event.seconds - begun[kind][len(seconds[kind])])
    return dict(seconds), {kind: number + 1 for kind, number in first.items()}


def _open_phases(told: Told, rank: int) -> list[str]:
    """Return the phases that the killed process was within, outermost first; nothing between two phases."""
    open_phases: list[str] = []
    for event in (event for event in told.events if event.rank == rank):
        if event.is_begin:
            open_phases.append(event.phase)
        elif event.phase in open_phases:
            open_phases.remove(event.phase)
    return open_phases


__all__ = ["HangError", "Killing", "Moment", "Whole", "random_moments"]
