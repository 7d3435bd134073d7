"""rollbacks.json: the times that a run went back to an earlier checkpoint, and what is done with the steps behind it.

A rollback is decided in one write, and carried out by moves that can be repeated: a run that is killed within it
finishes it when it is resumed. What it leaves lies in abandoned/01, abandoned/02 and so on.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from leanrl.errors import ConfigError
from leanrl.hints import quoted
from leanrl.storage.adapter_link import link_newest_adapter
from leanrl.storage.run_folder import RunFolder, read_json, step_of, write_bytes, write_json
from leanrl.storage.step_lines import step_in

# What grows by appending and is cut back by a rollback; the ledger is cut when the run goes on from its checkpoint.
_GROWING = ("ledger.dat", "prompts.jsonl")


@dataclass(frozen=True)
class Rollback:
    """One rollback. `scores` are those of the held-out problems by step, where they were asked.

    `to_step` is `at_step` where the fault was taken for a false alarm: the run goes on, and the watch begins anew.
    """

    at_step: int
    to_step: int
    reasons: tuple[str, ...]
    scores: dict[str, float]
    is_done: bool = False

    @property
    def is_false_alarm(self) -> bool:
        return self.to_step == self.at_step

    @property
    def told(self) -> str:
        """What happened, as a sentence for summary and report."""
        fell = f"Step {self.at_step}: the run seemed to fall apart ({'; '.join(self.reasons)})"
        if self.is_false_alarm:
            return f"{fell}, but no checkpoint evaluates better; it went on."
        return f"{fell}, and went back to step {self.to_step}."


def read_rollbacks(run: RunFolder) -> list[Rollback]:
    """Return the rollbacks of a run, oldest first.

    Raises:
        ConfigError: if their file is damaged: without it the run would go on at another learning rate.
    """
    if not run.rollbacks.exists():
        return []
    try:
        return [Rollback(**{**one, "reasons": tuple(one["reasons"])}) for one in read_json(run.rollbacks)["rollbacks"]]
    except (KeyError, TypeError, ConfigError) as error:
        raise ConfigError(
            f"{run.rollbacks} is damaged ({error}): it says which learning rate the run goes on with.",
            hint=f"put it back from a copy; or `rm {quoted(run.rollbacks)}` takes the configured rate",
        ) from error


def learning_rate_factor(run: RunFolder) -> float:
    """Return what the configured learning rate is multiplied by: each rollback halves it."""
    return float(0.5 ** sum(not one.is_false_alarm for one in read_rollbacks(run)))


def decide_rollback(run: RunFolder, rollback: Rollback) -> None:
    """Record a rollback; from here on the run goes back, whenever it is killed."""
    _write(run, [*read_rollbacks(run), rollback])


def finish_rollback(run: RunFolder) -> None:
    """Carry out the last rollback where that is not done; a part that is done already is left as it is."""
    rollbacks = read_rollbacks(run)
    if not rollbacks or rollbacks[-1].is_done:
        return
    last = rollbacks[-1]
    if not last.is_false_alarm:
        folder = run.abandoned / f"{sum(not one.is_false_alarm for one in rollbacks):02d}"
        folder.mkdir(parents=True, exist_ok=True)
        _abandon(run, folder, to_step=last.to_step)
    _write(run, [*rollbacks[:-1], Rollback(**{**asdict(last), "is_done": True})])


def _abandon(run: RunFolder, folder: Path, *, to_step: int) -> None:
    """Move what lies behind a step into a folder; checkpoints of earlier rollbacks make room."""
    for earlier in sorted(run.abandoned.glob("*/checkpoints")):
        if earlier.parent != folder:
            shutil.rmtree(earlier)
    for path in (run.metrics, run.evaluations):
        _cut(path, folder / path.name, to_step=to_step)
    for name in _GROWING:
        if (run.path / name).is_file() and not (folder / name).exists():
            write_bytes(folder / name, (run.path / name).read_bytes())
    later = [path for path in run.complete_checkpoints() if step_of(path) > to_step]
    _move(later, folder / "checkpoints")
    samples = [path for path in sorted(run.completions.glob("step-*.jsonl")) if int(path.stem[5:]) > to_step]
    _move(samples, folder / "completions")
    shutil.rmtree(run.partial_checkpoints, ignore_errors=True)
    link_newest_adapter(run.adapter, run.checkpoint(to_step))


def _cut(path: Path, abandoned: Path, *, to_step: int) -> None:
    """Move the lines of steps after `to_step` to a file of their own, which is written first."""
    if not path.is_file():
        return
    lines = path.read_bytes().splitlines(keepends=True)
    if not abandoned.exists():
        write_bytes(abandoned, b"".join(line for line in lines if step_in(line) > to_step))
    write_bytes(path, b"".join(line for line in lines if step_in(line) <= to_step))


def _move(paths: Sequence[Path], folder: Path) -> None:
    for path in paths:
        folder.mkdir(exist_ok=True)
        os.replace(path, folder / path.name)


def _write(run: RunFolder, rollbacks: Sequence[Rollback]) -> None:
    records: list[dict[str, Any]] = [asdict(one) for one in rollbacks]
    write_json(run.rollbacks, {"rollbacks": records})
